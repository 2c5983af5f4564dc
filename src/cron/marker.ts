// What the store remembers of a cron job: its last tick, as the checkpoint of the lock that its hosts compete for. Owns the
// text, and a hold that writes it; which tick may run is guard.ts's to say.
import type { AskOptions } from '../api/ask.ts'
import type { Holder } from '../api/hold.ts'
import { ConflictError } from '../base/errors.ts'
import { ClaimHold } from '../core/hold.ts'
import { parseHolder } from '../core/holder.ts'

/** The last tick that somebody took. */
export interface Marker {
  /** The scheduled time, in ms since 1970. */
  readonly tickMs: number
  /** Who took it. */
  readonly by: Holder
  /** Whether the job came to an end, be it an error. */
  readonly done: boolean
  /** What the job itself left for the next one. */
  readonly text?: string | undefined
}

/** Reads a checkpoint; undefined where there is none. Throws ConflictError where it is something else. */
export function parseMarker(name: string, checkpoint: string | undefined): Marker | undefined {
  if (checkpoint === undefined) return undefined
  const marker = parse(checkpoint)
  if (marker) return marker
  throw new ConflictError(
    `${JSON.stringify(name)} has a checkpoint that no cron job wrote: give the cron job a name of its own`,
  )
}

function parse(checkpoint: string): Marker | undefined {
  try {
    const { tick, by, done, text } = JSON.parse(checkpoint)
    const [tickMs, holder] = [Date.parse(tick), parseHolder(JSON.stringify(by))]
    return Number.isNaN(tickMs) || !holder ? undefined : { tickMs, by: holder, done: done === true, text }
  } catch {
    return undefined
  }
}

function format({ tickMs, by, done, text }: Marker): string {
  return JSON.stringify({ tick: new Date(tickMs).toISOString(), by, done, text })
}

/** A hold under which ticks run. Its checkpoints are kept inside the marker. */
export class TickHold extends ClaimHold {
  #marker: Marker | undefined

  /** What the marker was when this hold began. */
  found(marker: Marker | undefined): void {
    this.#marker = marker
  }

  /** Writes that a tick was taken or is done, and rejects as `checkpoint` does. */
  mark(marker: Omit<Marker, 'text'>): Promise<void> {
    this.#marker = { ...marker, text: this.#marker?.text }
    return super.checkpoint(format(this.#marker))
  }

  override async checkpoint(text: string, options?: AskOptions): Promise<void> {
    if (typeof text !== 'string' || !this.#marker) return super.checkpoint(text, options)
    this.#marker = { ...this.#marker, text }
    return super.checkpoint(format(this.#marker), options)
  }

  /** Lets the signal tell the job to stop, while it still holds. */
  askToStop(reason: unknown): void {
    this.stop(reason)
  }
}

// The record of a cron job in the store. It is the checkpoint of the lock that the hosts of the job compete for. Owns
// its text, and a hold that writes it; ruling.ts decides which tick may run.
import type { AskOptions } from '../api/ask.ts'
import type { CronState, TickRecord } from '../api/cron.ts'
import { ConflictError } from '../base/errors.ts'
import { quoted } from '../base/printable.ts'
import { ClaimHold } from '../core/hold.ts'
import { parseHolder } from '../core/holder.ts'
import { type Mark, type Marker, type Span, withMark } from './ruling.ts'

/** Reads a checkpoint; undefined if there is none. Throws ConflictError if no cron job wrote it. */
export function parseMarker(name: string, checkpoint: string | undefined): Marker | undefined {
  if (checkpoint === undefined) return undefined
  const marker = parse(checkpoint)
  if (marker) return marker
  throw new ConflictError(
    `${quoted(name)} has a checkpoint that no cron job wrote: give the cron job a name of its own`,
  )
}

function parse(checkpoint: string): Marker | undefined {
  try {
    const { text, others = [], ...first } = JSON.parse(checkpoint)
    const spans = first.tick === null ? [] : [spanOf(first), ...others.map(spanOf)]
    return { spans, text }
  } catch {
    return undefined
  }
}

/** Throws if `stored` is no span. */
function spanOf(stored: Record<string, unknown>): Span {
  const { tick, from = tick, by, done, ended, token, aside } = stored
  const holder = parseHolder(JSON.stringify(by))
  if (!holder) throw new TypeError('by: does not name a process')
  return {
    fromMs: timeOf(from),
    tickMs: timeOf(tick),
    by: holder,
    done: done === true,
    ended: typeof ended === 'string' ? ended : undefined,
    token: typeof token === 'string' ? token : undefined,
    asideMs: aside === undefined ? undefined : timeOf(aside),
  }
}

function timeOf(text: unknown): number {
  const ms = Date.parse(String(text))
  if (Number.isNaN(ms)) throw new TypeError(`${String(text)} is not a time`)
  return ms
}

function format({ spans: [first, ...others], text }: Marker): string {
  const more = others.length > 0 ? { others: others.map(toStored) } : {}
  return JSON.stringify({ ...(first ? toStored(first) : { tick: null }), text, ...more })
}

function toStored({ fromMs, tickMs, by, done, ended, token, asideMs }: Span): object {
  const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())
  const from = fromMs === tickMs ? undefined : iso(fromMs)
  return { tick: iso(tickMs), from, by, done, ended, token, aside: iso(asideMs) }
}

/** The last tick of a span, in the form that callers get. */
export function recordOf({ tickMs, by, done, ended }: Span): TickRecord {
  const end = ended === undefined ? undefined : new Date(ended)
  return { tick: new Date(tickMs), by, done, ended: end }
}

/** A cron job as its checkpoint shows it; nothing for another checkpoint, and where no tick is on record. */
export function stateOf([name, text]: readonly [name: string, text: string]): CronState[] {
  const [span] = parse(text)?.spans ?? []
  return span ? [{ name, last: recordOf(span) }] : []
}

/** A hold under which ticks run. The marker contains its checkpoints. */
export class TickHold extends ClaimHold {
  #marker: Marker = { spans: [] }

  /** The record as this hold knows it. */
  get marker(): Marker {
    return this.#marker
  }

  /** Sets the marker as it was when this hold began. */
  found(marker: Marker = { spans: [] }): void {
    this.#marker = marker
  }

  /** Writes that a tick was taken or is done, and rejects as `checkpoint` does. */
  mark(mark: Mark): Promise<void> {
    return this.record(withMark(this.#marker, mark))
  }

  /** Writes a marker in place of the one that was found, and rejects as `checkpoint` does. */
  record(marker: Marker, options?: AskOptions): Promise<void> {
    this.#marker = marker
    return super.checkpoint(format(marker), options)
  }

  override async checkpoint(text: string, options?: AskOptions): Promise<void> {
    if (typeof text !== 'string') return super.checkpoint(text, options) // which throws the TypeError
    return this.record({ ...this.#marker, text }, options)
  }

  /** Aborts the job's signal with `reason`, while the lock is still held. */
  askToStop(reason: unknown): void {
    this.stop(reason)
  }
}

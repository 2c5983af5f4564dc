// The watch of one hold for the loss of its key. Owns its way through the places: a client may have ten thousand watches and sixteen
// places for them, so a watch that waits for its place is a single object, and no suspended function. waits.ts reads.
import { type Clock, pause } from '../../base/clock.ts'
import type { Held } from './claims.ts'
import type { Places, Queued, Reader } from './places.ts'
import { Series } from './series.ts'
import type { Snapshot, Target } from './wire/transport.ts'

/** The reads of a client. */
export interface Reads {
  readonly clock: Clock
  readonly places: Places
  /** One read in a place that was taken, which is given back. Undefined if it failed. Rejects only with `signal.reason`. */
  readOnce(target: Target, series: Series, reader: Reader, signal: AbortSignal): Promise<Snapshot | undefined>
}

/** The end of a watch. */
export interface Ends {
  readonly resolve: (value: undefined) => void
  readonly reject: (reason: unknown) => void
}

/** Resolves `ends` when the claim may no longer hold by its key. Rejects it with `signal.reason` only. */
export class HoldWatch implements Queued {
  readonly #reads: Reads
  readonly #held: Held
  readonly #signal: AbortSignal
  readonly #ends: Ends
  /** Since the first read. */
  #series: Series | undefined

  constructor(reads: Reads, held: Held, signal: AbortSignal, ends: Ends) {
    this.#reads = reads
    this.#held = held
    this.#signal = signal
    this.#ends = ends
  }

  /** Reads as soon as there is a place. The signal has not aborted. */
  start(): void {
    this.#signal.addEventListener('abort', this, { once: true })
    this.#reads.places.take(this)
  }

  /** The watch has a place. */
  begin(): void {
    this.#read().catch(this.#ends.reject)
  }

  /** The signal aborts. A read or a pause under way ends by itself. */
  handleEvent(): void {
    if (this.#reads.places.giveUp(this)) this.#ends.reject(this.#signal.reason)
  }

  async #read(): Promise<void> {
    const { clock, places } = this.#reads
    const { key, modified } = this.#held
    this.#series ??= new Series(clock, modified)
    const snapshot = await this.#reads.readOnce({ key }, this.#series, 'hold', this.#signal)
    if (!snapshot || isTaken(this.#held, snapshot)) {
      this.#signal.removeEventListener('abort', this)
      return this.#ends.resolve(undefined)
    }
    const pauseMs = this.#series.pauseAfter(snapshot)
    if (pauseMs > 0) await pause(clock, pauseMs, this.#signal)
    this.#signal.throwIfAborted() // it may have aborted since the answer, when this was not in the queue
    places.take(this)
  }
}

function isTaken({ session, created }: Held, { entries: [own] }: Snapshot): boolean {
  return own?.session !== session || own.createIndex !== created
}

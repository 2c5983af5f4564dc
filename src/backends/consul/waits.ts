// Waits for a key to change, by blocking reads. Owns how long each lasts; series.ts has the rules of Consul's indexes, places.ts
// the number of connections. Every answer is a hint. See https://developer.hashicorp.com/consul/api-docs/features/blocking
import { type Clock, leastElapsedMs, pause } from '../../base/clock.ts'
import type { Held } from './claims.ts'
import { HoldWatch, type Reads } from './hold-watch.ts'
import { Places, type Reader } from './places.ts'
import { Series } from './series.ts'
import type { Snapshot, Target, Transport } from './wire/transport.ts'

/**
 * How long a blocking read lasts. Most reads are given up soon after they began, and the server keeps their connection
 * until this time is over. `crowded` is for readers that take turns; holds do so less often, since they are verified, too.
 */
const waitMs = { crowded: { waiter: 500, hold: 2_000 }, least: 2_000, most: 15_000 } as const
/** With more holds than this in the queue a turn comes less often than a verification: then reads are long, to be few. */
const queuedMost = 64

/** The blocking reads of one client. */
export class Waits implements Reads {
  readonly #transport: Transport
  readonly clock: Clock
  readonly #mostMs: number
  readonly places: Places

  /** A read is answered within `idleMs`: Consul adds up to a sixteenth to the time that it is given. */
  constructor(transport: Transport, clock: Clock, idleMs: number = Number.POSITIVE_INFINITY) {
    this.#mostMs = Math.min(waitMs.most, Math.floor((idleMs * 16) / 17))
    this.#transport = transport
    this.clock = clock
    this.places = new Places(clock)
  }

  /**
   * Resolves with the first answer that `suffices`, or with undefined when it is time to ask anew. `index` is that of
   * the last answer, which did not suffice. Rejects only with `signal.reason`.
   */
  async until(
    target: Target,
    index: number,
    suffices: (snapshot: Snapshot) => boolean,
    signal: AbortSignal,
  ): Promise<Snapshot | undefined> {
    const series = new Series(this.clock, index)
    for (;;) {
      await this.places.enter(signal)
      const snapshot = await this.readOnce(target, series, 'waiter', signal)
      if (!snapshot || suffices(snapshot)) return snapshot
      const pauseMs = series.pauseAfter(snapshot)
      if (pauseMs > 0) await pause(this.clock, pauseMs, signal)
    }
  }

  /** As `until`, with a pause before each read, for answers that are large. */
  async spaced(
    pauseMs: number,
    target: Target,
    index: number,
    suffices: (snapshot: Snapshot) => boolean,
    signal: AbortSignal,
  ): Promise<Snapshot | undefined> {
    for (let known = index; ; ) {
      await pause(this.clock, pauseMs, signal)
      const snapshot = await this.until(target, known, () => true, signal)
      if (!snapshot || suffices(snapshot)) return snapshot
      known = snapshot.index
    }
  }

  /** Resolves when a claim may no longer hold by this key. Rejects only with `signal.reason`. */
  untilTaken(held: Held, signal: AbortSignal): Promise<undefined> {
    if (signal.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => new HoldWatch(this, held, signal, { resolve, reject }).start())
  }

  /** Reads under way end with their connections. */
  close(): void {
    this.places.close()
  }

  /** One read in a place that was taken, which is given back. Undefined if it failed. Rejects only with `signal.reason`. */
  async readOnce(
    target: Target,
    series: Series,
    reader: Reader,
    signal: AbortSignal,
  ): Promise<Snapshot | undefined> {
    const wait = { index: series.index, waitMs: this.#lengthOf(reader, series.begin()) }
    const begun = this.clock.mark()
    let lingersMs = 0
    try {
      return await this.#transport.block(target, wait, signal)
    } catch {
      if (signal.aborted) lingersMs = (wait.waitMs * 17) / 16 - leastElapsedMs(begun, this.clock.mark())
      signal.throwIfAborted()
      return undefined
    } finally {
      this.places.leave(reader, lingersMs)
    }
  }

  /** How long a read may last after the wait has lasted so long, in ms. */
  #lengthOf(reader: Reader, waitedMs: number): number {
    if (reader === 'hold' && this.places.queuedHolds > queuedMost) return this.#mostMs
    if (this.places.isCrowded(reader)) return waitMs.crowded[reader]
    return Math.min(this.#mostMs, Math.max(waitMs.least, waitedMs))
  }
}

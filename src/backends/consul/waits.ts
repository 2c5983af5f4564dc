// Waits for a key to change, by blocking reads. Owns how long each lasts, and the rules of Consul's indexes. places.ts
// has the number of connections for them. Every answer is a hint. See https://developer.hashicorp.com/consul/api-docs/features/blocking
import { type Clock, leastElapsedMs, type Mark, pause } from '../../base/clock.ts'
import type { Held } from './claims.ts'
import { Places, type Reader } from './places.ts'
import type { Snapshot, Target, Transport } from './wire/transport.ts'

/**
 * How long a blocking read lasts. Most reads are given up soon after they began, and the server keeps their connection
 * until this time is over. `crowded` is for readers that take turns; holds do so less often, since they are verified, too.
 */
const waitMs = { crowded: { waiter: 500, hold: 2_000 }, least: 2_000, most: 15_000 } as const
/** If reads return sooner than this and without news, the next one is spaced. */
const tooSoonMs = 50
/**
 * The pause before a read that is spaced. Others that come and go change the index without news for this wait, so it is
 * short: during it, clients without a line take what has become free. For many keys, which cost time to read, and for
 * answers without any change, it is longer.
 */
const spaceMs = { least: 2, perKey: 0.05, most: 50 } as const

/** The blocking reads of one client. */
export class Waits {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #mostMs: number
  readonly #places: Places

  /** A read is answered within `idleMs`: Consul adds up to a sixteenth to the time that it is given. */
  constructor(transport: Transport, clock: Clock, idleMs: number = Number.POSITIVE_INFINITY) {
    this.#mostMs = Math.min(waitMs.most, Math.floor((idleMs * 16) / 17))
    this.#transport = transport
    this.#clock = clock
    this.#places = new Places(clock)
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
    reader: Reader = 'waiter',
  ): Promise<Snapshot | undefined> {
    const since = this.#clock.mark()
    let known = index
    for (let vain = 0; ; ) {
      const begun = this.#clock.mark()
      const snapshot = await this.#read(
        target,
        { index: known, waitedMs: leastElapsedMs(since, begun), reader },
        signal,
      )
      if (!snapshot || suffices(snapshot)) return snapshot
      vain = this.#since(begun) < tooSoonMs ? vain + 1 : 0
      const spacedMs = snapshot.index === known ? spaceMs.most : spaceOf(snapshot)
      // A smaller index means that the store was restored: its new indexes cannot be compared with the old ones.
      known = snapshot.index < known ? 0 : snapshot.index
      if (vain > 1) await pause(this.#clock, spacedMs, signal)
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
      await pause(this.#clock, pauseMs, signal)
      const snapshot = await this.until(target, known, () => true, signal)
      if (!snapshot || suffices(snapshot)) return snapshot
      known = snapshot.index
    }
  }

  /** Resolves when a claim may no longer hold by this key. Rejects only with `signal.reason`. */
  async untilTaken({ key, session, created, modified }: Held, signal: AbortSignal): Promise<void> {
    const taken = ({ entries: [own] }: Snapshot): boolean =>
      own?.session !== session || own.createIndex !== created
    await this.until({ key }, modified, taken, signal, 'hold')
  }

  /** Reads under way end with their connections. */
  close(): void {
    this.#places.close()
  }

  #since(mark: Mark): number {
    return leastElapsedMs(mark, this.#clock.mark())
  }

  /** One blocking read, in its turn; undefined if it failed. */
  async #read(
    target: Target,
    { index, waitedMs, reader }: { index: number; waitedMs: number; reader: Reader },
    signal: AbortSignal,
  ): Promise<Snapshot | undefined> {
    await this.#places.enter(reader, signal)
    const longMs = Math.min(this.#mostMs, Math.max(waitMs.least, waitedMs))
    const wait = { index, waitMs: this.#places.isCrowded(reader) ? waitMs.crowded[reader] : longMs }
    const begun = this.#clock.mark()
    let lingersMs = 0
    try {
      return await this.#transport.block(target, wait, signal)
    } catch {
      if (signal.aborted) lingersMs = (wait.waitMs * 17) / 16 - this.#since(begun)
      signal.throwIfAborted()
      return undefined
    } finally {
      this.#places.leave(reader, lingersMs)
    }
  }
}

/** The pause after this answer, which had no news. */
function spaceOf({ entries }: Snapshot): number {
  const { least, perKey, most } = spaceMs
  return Math.min(most, Math.max(least, perKey * entries.length))
}

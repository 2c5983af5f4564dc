// Waits for a key to change, by blocking reads. Owns the number of connections for them, and the rules of Consul's
// indexes. Every answer is a hint. See https://developer.hashicorp.com/consul/api-docs/features/blocking
import { type Clock, leastElapsedMs, type Mark, pause } from '../../base/clock.ts'
import type { Held } from './claims.ts'
import type { Snapshot, Target, Transport } from './wire/transport.ts'

/**
 * How many blocking reads one client has at a time. By default a server takes 200 connections from one address: this
 * leaves room for a second client, and for renewals and releases.
 */
const readsMax = 64
/**
 * How long a blocking read lasts. Most reads are given up soon after they began, and the server keeps their connection
 * until this time is over.
 */
const waitMs = { crowded: 500, least: 2_000, most: 15_000 } as const
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
  readonly #queued = new Set<() => void>()
  /** Reads that were given up and that the server still serves. Each function cancels the timer of one. */
  readonly #lingering = new Set<() => void>()
  #reading = 0

  /** A read is answered within `idleMs`: Consul adds up to a sixteenth to the time that it is given. */
  constructor(transport: Transport, clock: Clock, idleMs: number = Number.POSITIVE_INFINITY) {
    this.#mostMs = Math.min(waitMs.most, Math.floor((idleMs * 16) / 17))
    this.#transport = transport
    this.#clock = clock
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
    const since = this.#clock.mark()
    let known = index
    for (let vain = 0; ; ) {
      const begun = this.#clock.mark()
      const snapshot = await this.#read(target, known, leastElapsedMs(since, begun), signal)
      if (!snapshot || suffices(snapshot)) return snapshot
      vain = this.#since(begun) < tooSoonMs ? vain + 1 : 0
      const spacedMs = snapshot.index === known ? spaceMs.most : spaceOf(snapshot)
      // A smaller index means that the store was restored: its new indexes cannot be compared with the old ones.
      known = snapshot.index < known ? 0 : snapshot.index
      if (vain > 1) await pause(this.#clock, spacedMs, signal)
    }
  }

  /** As `until`, after a pause. */
  async later(pauseMs: number, ...wait: Parameters<Waits['until']>): Promise<Snapshot | undefined> {
    await pause(this.#clock, pauseMs, wait[3])
    return this.until(...wait)
  }

  /** Resolves when a claim may no longer hold by this key. Rejects only with `signal.reason`. */
  async untilTaken({ key, session, created, modified }: Held, signal: AbortSignal): Promise<void> {
    const taken = ({ entries: [own] }: Snapshot): boolean =>
      own?.session !== session || own.createIndex !== created
    await this.until({ key }, modified, taken, signal)
  }

  /** Cancels the timers. Reads under way end with their connections. */
  close(): void {
    for (const forget of this.#lingering) forget()
    this.#lingering.clear()
  }

  #since(mark: Mark): number {
    return leastElapsedMs(mark, this.#clock.mark())
  }

  /** One blocking read, in its turn; undefined if it failed. */
  async #read(
    target: Target,
    index: number,
    waitedMs: number,
    signal: AbortSignal,
  ): Promise<Snapshot | undefined> {
    await this.#turn(signal)
    const crowded = this.#reading > readsMax / 2
    const longMs = Math.min(this.#mostMs, Math.max(waitMs.least, waitedMs))
    const wait = { index, waitMs: crowded ? waitMs.crowded : longMs }
    const begun = this.#clock.mark()
    let lingersMs = 0
    try {
      return await this.#transport.block(target, wait, signal)
    } catch {
      if (signal.aborted) lingersMs = (wait.waitMs * 17) / 16 - this.#since(begun)
      signal.throwIfAborted()
      return undefined
    } finally {
      this.#leave(lingersMs)
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#reading >= readsMax) await this.#queue(signal)
    else this.#reading += 1
  }

  #queue(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#queued.delete(begin)
        reject(signal.reason)
      }
      const begin = (): void => {
        this.#queued.delete(begin)
        signal.removeEventListener('abort', giveUp)
        resolve()
      }
      signal.addEventListener('abort', giveUp, { once: true })
      this.#queued.add(begin)
    })
  }

  /** Passes the turn to the next read, as soon as the server has ended this one, too. */
  #leave(lingersMs: number): void {
    if (lingersMs > 0) {
      const forget = this.#clock.after(lingersMs, () => {
        this.#lingering.delete(forget)
        this.#leave(0)
      })
      this.#lingering.add(forget)
      return
    }
    const [next] = this.#queued
    if (next) next()
    else this.#reading -= 1
  }
}

/** The pause after this answer, which had no news. */
function spaceOf({ entries }: Snapshot): number {
  const { least, perKey, most } = spaceMs
  return Math.min(most, Math.max(least, perKey * entries.length))
}

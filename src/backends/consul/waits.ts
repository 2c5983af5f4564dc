// Waiting for a key to change, by blocking reads. Owns how many connections that takes, and the rules of Consul's
// indexes; every answer is a hint. See https://developer.hashicorp.com/consul/api-docs/features/blocking
import { type Clock, leastElapsedMs, type Mark, pause } from '../../clock.ts'
import { Limits } from '../../limits.ts'
import type { Snapshot, Target, Transport } from './transport.ts'

/**
 * How many blocking reads one client has at a time: a server takes 200 connections from one address, unless it is
 * told otherwise, and renewals and releases need some, too.
 */
const readsMax = 128
/** How long a blocking read lasts: one that is given up occupies the server until then. */
const waitMs = 15_000
/** How long where others wait for the connection. */
const sharedWaitMs = 500
/** A read that comes back sooner, and for nothing, is not followed by the next one at once. */
const tooSoonMs = 50

/** A blocking read under way, or one that waits for its turn. */
interface Read {
  /** Whether it lasts as long as it may, since nobody waited for a connection when it began. */
  long: boolean
  readonly begin: (long: boolean) => void
  /** Ends it early, so that another can begin. */
  readonly preempt: () => void
}

/** The blocking reads of one client. */
export class Waits {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #reading = new Set<Read>()
  readonly #queued = new Set<Read>()

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport
    this.#clock = clock
  }

  /**
   * Resolves with the first answer that `suffices`, or with undefined when it is time to ask anew. `index` is that of
   * the answer that did not. Rejects only with `signal.reason`.
   */
  async until(
    target: Target,
    index: number,
    suffices: (snapshot: Snapshot) => boolean,
    signal: AbortSignal,
  ): Promise<Snapshot | undefined> {
    let known = index
    for (let vain = 0; ; ) {
      const begun = this.#clock.mark()
      const snapshot = await this.#read(target, known, signal)
      if (snapshot === 'preempted') continue
      if (!snapshot || suffices(snapshot)) return snapshot
      vain = this.#wasTooSoon(begun) ? vain + 1 : 0
      // Backwards: the store was restored, and what its indexes say now has nothing to do with before.
      known = snapshot.index < known ? 0 : snapshot.index
      if (vain > 1) await pause(this.#clock, tooSoonMs, signal)
    }
  }

  #wasTooSoon(begun: Mark): boolean {
    return leastElapsedMs(begun, this.#clock.mark()) < tooSoonMs
  }

  /** One blocking read, in its turn; undefined when it failed. */
  async #read(
    target: Target,
    index: number,
    signal: AbortSignal,
  ): Promise<Snapshot | 'preempted' | undefined> {
    signal.throwIfAborted()
    const limits = new Limits().onSignal(signal)
    let read: Read | undefined
    try {
      read = await this.#turn(limits)
      const wait = { index, waitMs: read.long ? waitMs : sharedWaitMs }
      return await this.#transport.block(target, wait, limits.signal)
    } catch {
      signal.throwIfAborted()
      return limits.ended ? 'preempted' : undefined
    } finally {
      limits.lift()
      if (read) this.#end(read)
    }
  }

  #turn(limits: Limits): Promise<Read> {
    return new Promise((resolve, reject) => {
      const giveUp = limits.onEnd((reason) => {
        this.#queued.delete(read)
        reject(reason)
      })
      const begin = (long: boolean): void => {
        giveUp()
        this.#queued.delete(read)
        this.#reading.add(read)
        read.long = long
        resolve(read)
      }
      const read: Read = { long: false, begin, preempt: () => limits.end(preempted) }
      if (this.#reading.size < readsMax) return begin(true)
      this.#queued.add(read)
      const longest = [...this.#reading].find(({ long }) => long)
      if (longest) longest.long = false
      longest?.preempt()
    })
  }

  #end(read: Read): void {
    this.#reading.delete(read)
    const [next] = this.#queued
    next?.begin(false) // else it would be ended early by the one that it has ended early, and so on for ever
  }
}

const preempted = Symbol('another read waits for the connection')

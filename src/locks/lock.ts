// Mutexes and semaphores, which differ only in the number of holders. Owns the verbs of api/lock.ts; core/acquire.ts
// waits, and core/hold.ts is the hold.
import type { AskOptions } from '../api/ask.ts'
import type { Hold } from '../api/hold.ts'
import type { AcquireOptions, Lock, RunOptions, TryOptions } from '../api/lock.ts'
import type { Facts } from '../contract.ts'
import type { Acquirer } from '../core/acquire.ts'
import {
  acquireOptions,
  checkName,
  checkOptions,
  checkWork,
  runOptions,
  tryOptions,
} from '../core/arguments.ts'
import { ClaimHold, type Grant } from '../core/hold.ts'
import { stopBeforeDefaultMs } from '../core/lifetime.ts'
import type { Wish } from '../core/wish.ts'

/** The parts of the client that a lock uses. */
export interface LockClient {
  readonly acquirer: Acquirer
  readonly facts: Facts
  readonly ttlMs: number
  /** The value of the claims: the host and process of this client, for others to read. */
  readonly holder: string
  readCheckpoint(name: string, options?: AskOptions): Promise<string | undefined>
}

/** A name that at most `permits` claims may hold at once. */
export class ClaimLock implements Lock {
  readonly name: string
  readonly #client: LockClient
  readonly #permits: number

  /** Throws TypeError or RangeError for a bad name. Sends nothing. */
  constructor(client: LockClient, name: string, permits: number) {
    checkName(name)
    this.#client = client
    this.name = name
    this.#permits = permits
  }

  async acquire(options: AcquireOptions = {}): Promise<Hold> {
    return this.#acquire(options)
  }

  async #acquire(options: AcquireOptions): Promise<ClaimHold> {
    checkOptions(options, acquireOptions)
    const { waitMs, signal, onWait } = options
    return this.#client.acquirer.acquire({ ...this.#wish(), waitMs, signal, onWait })
  }

  async tryAcquire(options: TryOptions = {}): Promise<Hold | undefined> {
    checkOptions(options, tryOptions)
    return this.#client.acquirer.tryAcquire({ ...this.#wish(), signal: options.signal })
  }

  async run<T>(work: (hold: Hold) => T | Promise<T>, options: RunOptions = {}): Promise<T> {
    const { facts, ttlMs } = this.#client
    checkWork('work', work)
    checkOptions(options, runOptions(facts, ttlMs))
    const { stopBeforeMs = stopBeforeDefaultMs(ttlMs, facts), ...acquireOptions } = options
    const hold = await this.#acquire(acquireOptions)
    hold.stopBefore(stopBeforeMs)
    try {
      const result = await work(hold)
      hold.assertNotLost()
      return result
    } finally {
      // An error of the release must not replace the error of the work. The session's end frees the lock.
      await hold.release().catch(() => {})
    }
  }

  readCheckpoint(options?: AskOptions): Promise<string | undefined> {
    return this.#client.readCheckpoint(this.name, options)
  }

  #wish(): Wish<ClaimHold> {
    return {
      name: this.name,
      permits: this.#permits,
      weight: 1,
      value: this.#client.holder,
      candidate: false,
      make,
    }
  }
}

function make(grant: Grant): ClaimHold {
  return new ClaimHold(grant)
}

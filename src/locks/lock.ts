// Mutexes and semaphores, which differ only in the number of holders. Owns the verbs of api/lock.ts; core/acquire.ts
// waits, and core/hold.ts is the hold.
import type { AskOptions } from '../api/ask.ts'
import type { Hold } from '../api/hold.ts'
import type { AcquireOptions, Lock, RunOptions, TryOptions } from '../api/lock.ts'
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
import { stopBeforeDefaultMs } from '../core/session.ts'

/** What a lock needs of the client that made it. */
export interface LockClient {
  readonly acquirer: Acquirer
  readonly ttlMs: number
  /** The value of the claims: this process, for others to read. */
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
    const hold = await this.#ask({ waitMs, signal, onWait })
    if (hold) return hold
    throw await this.#client.acquirer.notFree({ name: this.name })
  }

  async tryAcquire(options: TryOptions = {}): Promise<Hold | undefined> {
    checkOptions(options, tryOptions)
    return this.#ask({ waitMs: 0, signal: options.signal })
  }

  async run<T>(work: (hold: Hold) => T | Promise<T>, options: RunOptions = {}): Promise<T> {
    const { ttlMs } = this.#client
    checkWork('work', work)
    checkOptions(options, runOptions(ttlMs))
    const { stopBeforeMs = stopBeforeDefaultMs(ttlMs), ...acquireOptions } = options
    const hold = await this.#acquire(acquireOptions)
    hold.stopBefore(stopBeforeMs)
    try {
      const result = await work(hold)
      hold.assertNotLost()
      return result
    } finally {
      // A refused release must not mask what happened in the work; the session's end frees the lock.
      await hold.release().catch(() => {})
    }
  }

  readCheckpoint(options?: AskOptions): Promise<string | undefined> {
    return this.#client.readCheckpoint(this.name, options)
  }

  #ask(options: AcquireOptions): Promise<ClaimHold | undefined> {
    const { acquirer, holder } = this.#client
    const wish = { name: this.name, permits: this.#permits, value: holder, candidate: false, make }
    return acquirer.acquire({ ...wish, ...options })
  }
}

function make(grant: Grant): ClaimHold {
  return new ClaimHold(grant)
}

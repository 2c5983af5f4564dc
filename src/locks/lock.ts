// Mutexes and semaphores, which differ only in the number of holders. Owns the verbs of api/lock.ts; core/acquire.ts
// waits, and core/hold.ts is the hold.
import type { Hold } from '../api/hold.ts'
import type { AcquireOptions, Lock, TryOptions } from '../api/lock.ts'
import type { Acquirer } from '../core/acquire.ts'
import { acquireOptions, checkName, checkOptions, checkWork, tryOptions } from '../core/arguments.ts'
import { ClaimHold, type Grant } from '../core/hold.ts'
import type { Wish } from '../core/wish.ts'

/** The parts of the client that a lock uses. */
export interface LockClient {
  readonly acquirer: Acquirer
  /** The value of the claims: this process, for people to read. */
  readonly holder: string
  readCheckpoint(name: string): Promise<string | undefined>
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
    checkOptions(options, acquireOptions)
    const { waitMs, signal, onWait } = options
    return this.#client.acquirer.acquire({ ...this.#wish(), waitMs, signal, onWait })
  }

  async tryAcquire(options: TryOptions = {}): Promise<Hold | undefined> {
    checkOptions(options, tryOptions)
    return this.#client.acquirer.tryAcquire({ ...this.#wish(), signal: options.signal })
  }

  async run<T>(work: (hold: Hold) => T | Promise<T>, options: AcquireOptions = {}): Promise<T> {
    checkWork('work', work)
    const hold = await this.acquire(options)
    try {
      const result = await work(hold)
      hold.assertHeld()
      return result
    } finally {
      // An error of the release must not replace the error of the work. The session's end frees the lock.
      await hold.release().catch(() => {})
    }
  }

  readCheckpoint(): Promise<string | undefined> {
    return this.#client.readCheckpoint(this.name)
  }

  #wish(): Wish {
    return { name: this.name, permits: this.#permits, value: this.#client.holder, candidate: false, make }
  }
}

function make(grant: Grant): Hold {
  return new ClaimHold(grant)
}

// What a mutex and a semaphore share, which is everything but the number of holders. Owns the verbs a caller uses;
// how to wait is acquire's, what a hold does is hold's.
import type { Acquirer } from '../acquire.ts'
import { checkCallback, checkSignal, checkWait } from '../arguments.ts'
import { type Grant, Hold } from '../hold.ts'

/** How long to wait for a hold. */
export interface AcquireOptions {
  /** Give up after so many ms with WaitTimeoutError; 0 tries once. Without it the wait has no end. */
  readonly waitMs?: number | undefined
  /** Give up when it aborts, with its reason. */
  readonly signal?: AbortSignal | undefined
  /**
   * Hears how many claims of other clients stand ahead in the store, as far as it told: when this one begins to wait
   * there, and whenever that number changes. What it throws ends the wait.
   */
  readonly onWait?: ((ahead: number) => void) | undefined
}

/** What a lock needs of the client that made it. */
export interface LockHost {
  readonly acquirer: Acquirer
  /** Who asks, for others to read. */
  readonly holder: string
  readCheckpoint(name: string): Promise<string | undefined>
}

/** A name that at most `limit` may hold at once. */
export abstract class Lock {
  readonly name: string
  readonly #host: LockHost
  readonly #limit: number

  constructor(host: LockHost, name: string, limit: number) {
    this.#host = host
    this.name = name
    this.#limit = limit
  }

  /**
   * Waits in line and resolves with a hold. Where it is free this costs one request. Where the answer, or the event that
   * ends the wait, comes later than a thirtieth of the TTL after the last request, one more request confirms it; if an
   * operator broke the lock meanwhile, the caller stands in line again, at its end. Rejects with WaitTimeoutError after
   * `waitMs`, with `signal.reason` on abort, and with UnavailableError, ConflictError or RefusedError; in each case
   * nothing is held and the place in line is given up.
   */
  async acquire(options: AcquireOptions = {}): Promise<Hold> {
    const { waitMs, signal, onWait } = options
    checkWait(waitMs)
    checkSignal(signal)
    checkCallback('onWait', onWait)
    const hold = await this.#ask(waitMs !== 0, { waitMs: waitMs || undefined, signal, onWait })
    if (hold) return hold
    throw await this.#host.acquirer.notFree({ name: this.name })
  }

  /**
   * Resolves with a hold if it is free now and nobody waits for it, else with undefined. Costs one request (a
   * semaphore on etcd: two where it is free), and leaves nothing behind. A late answer is confirmed as for `acquire`;
   * if an operator broke the lock meanwhile, it is tried once more. Rejects as `acquire` does.
   */
  async tryAcquire({ signal }: Pick<AcquireOptions, 'signal'> = {}): Promise<Hold | undefined> {
    checkSignal(signal)
    return this.#ask(false, { signal })
  }

  /**
   * Acquires, calls `work`, releases, and resolves with what `work` returned. What `work` throws is thrown
   * on as it is. If the hold was lost before `work` was done, rejects with HoldLostError: part of the work was not
   * protected.
   */
  async run<T>(work: (hold: Hold) => T | Promise<T>, options: AcquireOptions = {}): Promise<T> {
    const hold = await this.acquire(options)
    try {
      const result = await work(hold)
      hold.assertHeld()
      return result
    } finally {
      // A refused release must not mask what happened in the work; the session's end frees the lock.
      await hold.release().catch(() => {})
    }
  }

  /** What the last holder stored with `hold.checkpoint(text)`, read linearizably; undefined if none ever did. */
  checkpoint(): Promise<string | undefined> {
    return this.#host.readCheckpoint(this.name)
  }

  #ask(wait: boolean, options: AcquireOptions): Promise<Hold | undefined> {
    const { acquirer, holder } = this.#host
    const wish = { name: this.name, limit: this.#limit, value: holder, candidate: false, wait, make }
    return acquirer.acquire({ ...wish, ...options })
  }
}

function make(grant: Grant): Hold {
  return new Hold(grant)
}

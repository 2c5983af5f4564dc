// Mutexes and semaphores as a caller sees them. Types only; locks/ is the implementation.
import type { AskOptions } from './ask.ts'
import type { Hold } from './hold.ts'

/** How long to wait for a hold. */
export interface AcquireOptions {
  /** Give up after so many ms with WaitTimeoutError; 0 tries once. Without it the wait has no end. */
  readonly waitMs?: number | undefined
  /** Give up when it aborts, with its reason. */
  readonly signal?: AbortSignal | undefined
  /**
   * Called with the number of claims that stand ahead, when this claim begins to wait and whenever that number changes.
   * First these are other calls of this client, since a client asks the store for one of them at a time; then claims of
   * other clients in the store, as far as the store told. An error that it throws, or with which a promise
   * that it returns rejects, ends the wait.
   */
  readonly onWait?: ((ahead: number) => unknown) | undefined
}

/** How to work under a hold. */
export interface RunOptions extends AcquireOptions {
  /**
   * How long before the deadline, in ms, `hold.signal` aborts (with a HoldLostError, code `LEASEHOLD_HOLD_SHORT`) when no
   * renewal is answered: the time that the work needs to stop. By default a fifth of the TTL; at most half of what is
   * left of it without the margin. 0 lets the signal abort at the deadline.
   */
  readonly stopBeforeMs?: number | undefined
}

/** How to ask for a hold without waiting. */
export type TryOptions = Pick<AcquireOptions, 'signal'>

/**
 * A name that one or several may hold at once. Every method rejects with TypeError or RangeError for a bad argument or
 * an unknown option, before anything is sent.
 */
export interface Lock {
  readonly name: string
  /**
   * Waits in line and resolves with a hold. Where the name is free this costs one request. Where the answer, or the
   * event that ends the wait, comes later than a thirtieth of the TTL after the last request, one more request confirms
   * it; if an operator broke the lock meanwhile, the caller stands in line again, at its end. Rejects with
   * WaitTimeoutError after `waitMs`, with `signal.reason` on abort, and with UnavailableError, ConflictError or
   * RefusedError; in each case nothing is held and the place in line is given up.
   */
  acquire(options?: AcquireOptions): Promise<Hold>
  /**
   * Resolves with a hold if it is free now and nobody waits for it, else with undefined. Costs one request (a
   * semaphore on etcd: two where it is free), and leaves nothing behind. A late answer is confirmed as for `acquire`;
   * if an operator broke the lock meanwhile, it is tried once more. Rejects as `acquire` does.
   */
  tryAcquire(options?: TryOptions): Promise<Hold | undefined>
  /**
   * Acquires, calls `work`, releases, and resolves with the result of `work`. An error of `work` is thrown on
   * as it is. If the hold was lost before `work` was done, rejects with HoldLostError: part of the work was not
   * protected. Work may release the hold itself before it ends; that is no loss.
   */
  run<T>(work: (hold: Hold) => T | Promise<T>, options?: RunOptions): Promise<T>
  /**
   * The text that the last holder stored with `hold.checkpoint(text)`, read linearizably; undefined if no holder ever
   * stored one. Costs one request. Rejects with UnavailableError or RefusedError.
   */
  readCheckpoint(options?: AskOptions): Promise<string | undefined>
}

/**
 * One holder at a time, in the order in which they came. On etcd this is the lock of `etcdctl lock NAME` and of Go's
 * `concurrency.Mutex`.
 */
export type Mutex = Lock

/** How many may hold a semaphore. */
export interface SemaphoreOptions {
  /** A whole number from 1 to 10 000, the same wherever the name is used. */
  readonly permits: number
}

/**
 * At most `permits` holders at a time, in the order in which they came. A holder that dies gives its permit back
 * with its session. A client that uses the name with other permits while it is in use gets a ConflictError.
 */
export interface Semaphore extends Lock {
  readonly permits: number
}

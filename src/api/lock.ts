// Mutexes and semaphores as a caller sees them. Types only; locks/ is the implementation.
import type { AskOptions } from './ask.ts'
import type { GroupHold, Hold, PermitHold, ReadHold, WriteHold } from './hold.ts'

/** How long to wait for a hold. */
export interface AcquireOptions {
  /**
   * Gives up after this many ms with WaitTimeoutError. The time includes outages of the store: while the store does not
   * answer, it is asked again, and if it never answered in all that time, the error is an UnavailableError. 0 tries once,
   * and takes no longer than two requests, 6 s at most. Behind many other calls of this client it waits as long as the store answers
   * those. Without `waitMs` the wait in line has no end, but a store that
   * does not answer the first question is asked only 8 more times: about 6 s if it refuses connections.
   */
  readonly waitMs?: number | undefined
  /** When it aborts, the wait ends and rejects with its reason. */
  readonly signal?: AbortSignal | undefined
  /**
   * Called with the number of claims that stand ahead, when this claim begins to wait and whenever that number changes.
   * First these are other calls of this client, since a client asks the store only for calls that fit into the permits;
   * then claims of other clients, as far as the store shows them. If `onWait` throws, or returns a promise that rejects, the wait ends
   * with that error.
   */
  readonly onWait?: ((ahead: number) => unknown) | undefined
}

/** How to work under a hold. */
export interface RunOptions extends AcquireOptions {
  /**
   * How long before the deadline, in ms, `hold.signal` aborts (with a HoldLostError, code `LEASEHOLD_HOLD_SHORT`) when no
   * renewal is answered: the time that the work needs to stop. By default a fifth of the TTL. At most half of the time
   * from a renewal to the deadline (6.75 s of a TTL of 15 s). 0 lets the signal abort at the deadline.
   */
  readonly stopBeforeMs?: number | undefined
}

/** How to ask for a hold without waiting. */
export type TryOptions = Pick<AcquireOptions, 'signal'>

/** How to ask a semaphore for permits. */
export interface PermitOptions extends AcquireOptions {
  /**
   * How many permits to take, all in one step: a whole number from 1 to those of the semaphore, on etcd to 100. Default: 1.
   * Calls are served in order, so a call that waits for many permits keeps later calls for few waiting.
   */
  readonly permits?: number | undefined
}

/** How to work under permits of a semaphore. */
export interface PermitRunOptions extends RunOptions, Pick<PermitOptions, 'permits'> {}

/** How to ask a semaphore for permits without waiting. */
export type PermitTryOptions = Pick<PermitOptions, 'permits' | 'signal'>

/**
 * A name that one or several may hold at once. Every method rejects with TypeError or RangeError for a bad argument or
 * an unknown option, before anything is sent.
 */
export interface Lock<H extends Hold = Hold> {
  readonly name: string
  /**
   * Waits in line and resolves with a hold. Costs one request if the name is free. If the answer, or the event that
   * ends the wait, arrives later than a thirtieth of the TTL after the last request, one more request confirms it. If
   * an operator broke the lock meanwhile, the caller stands in line again, at the end. Rejects with WaitTimeoutError
   * after `waitMs`, with `signal.reason` on abort, and with UnavailableError, ConflictError or RefusedError; in each
   * case it holds nothing and has left the line. Inside a `run` of the same client it rejects with DeadlockError, at once
   * and before anything is sent, if the wait could never end: the chain of calls that asks holds the name itself, or holds
   * another one for which the holder waits.
   */
  acquire(options?: AcquireOptions): Promise<H>
  /**
   * Resolves with a hold if the name is free and nobody waits for it, otherwise with undefined. Costs one request (a
   * free semaphore on etcd: two), and leaves nothing behind. A late answer is confirmed as for `acquire`; if an
   * operator broke the lock meanwhile, it tries once more. Rejects as `acquire` does.
   */
  tryAcquire(options?: TryOptions): Promise<H | undefined>
  /**
   * Acquires, calls `work`, releases, and resolves with the result of `work`. An error of `work` is rethrown
   * unchanged. If the hold was lost before `work` was done, rejects with HoldLostError: part of the work was not
   * protected. Work may release the hold itself before it ends; that is no loss.
   */
  run<T>(work: (hold: H) => T | Promise<T>, options?: RunOptions): Promise<T>
  /**
   * The text that a holder stored last with `hold.checkpoint(text)`, by a consistent read. Undefined if no holder ever
   * stored one. Costs one request. Rejects with UnavailableError or RefusedError.
   */
  readCheckpoint(options?: AskOptions): Promise<string | undefined>
}

/** How a mutex treats calls inside its own `run`. */
export interface MutexOptions {
  /**
   * If true, a call inside `run` of a mutex of this name (of the same client, and also with `reentrant`) gets the same hold at
   * once: the same token, signal and deadline. The name is free when each of them has been released, and a loss is the loss
   * of all. `stopBeforeMs` counts only in the outermost `run`. If false, such a call rejects with DeadlockError. Default:
   * false.
   */
  readonly reentrant?: boolean | undefined
  /**
   * Lets a release pass the hold to the next caller of this client without any request, within these bounds: the store sees one
   * claim in place of many. Callers of other clients wait until the bounds end it. For a name with many callers in one process.
   * The name keeps this form: on a name that was ever held so, every other lock is a ConflictError, and the reverse while the
   * name is in use. Its tokens are 65,536 times those of the store, so they cannot be compared with those of a mutex without it.
   * Its holds have no `key`. Default: no hand-over.
   */
  readonly handoff?: HandoffOptions | undefined
}

/** The bounds of the hand-over among the callers of one client. The bounds of the caller that the store admitted count. */
export interface HandoffOptions {
  /** How often in a row a hold is handed over: a whole number from 1 to 65,535. Then the claim goes back to the store. */
  readonly max: number
  /**
   * For how long a hold is handed over, in ms: from 1 to 86,400,000. The time begins when this client learns that the store has
   * admitted the claim. A caller of another client waits no longer than this and the work that then runs. It is read at each release, and ends no work.
   */
  readonly forMs: number
}

/**
 * One holder at a time, in the order in which they came. On etcd this is the lock of `etcdctl lock NAME` and of Go's
 * `concurrency.Mutex`.
 */
export type Mutex = Lock

/** The number of holders of a semaphore. */
export interface SemaphoreOptions {
  /** A whole number from 1 to 10 000, the same wherever the name is used. */
  readonly permits: number
}

/**
 * At most `permits` holders at a time, in the order in which they came. If a holder dies, its permit is free when its
 * session ends. A client that asks for other permits while the name is in use gets a ConflictError.
 */
export interface Semaphore extends Lock<PermitHold> {
  readonly permits: number
  /** `acquire` of a lock, for one permit or for several. */
  acquire(options?: PermitOptions): Promise<PermitHold>
  /** `tryAcquire` of a lock, for one permit or for several. */
  tryAcquire(options?: PermitTryOptions): Promise<PermitHold | undefined>
  /** `run` of a lock, under one permit or several. */
  run<T>(work: (hold: PermitHold) => T | Promise<T>, options?: PermitRunOptions): Promise<T>
}

/**
 * A lock of readers and writers: any number of readers hold together, and a writer alone. All are served in the order in
 * which they came. So a writer that waits keeps later readers waiting, and nobody starves. Do not ask for one of the two
 * under a hold of the other, or of the same: the call could wait for its own program. Inside `run` a call that certainly
 * would is a DeadlockError; a reader that asks to read again waits if a writer of another client stands in between.
 */
export interface RwLock {
  readonly name: string
  readonly read: Lock<ReadHold>
  readonly write: Lock<WriteHold>
}

/** Several mutexes as one lock: its holder has all of them, or none. */
export interface MutexGroup {
  /** The names in the order in which they are taken: sorted as strings, the same in every client. */
  readonly names: readonly string[]
  /**
   * Takes all mutexes. On etcd one transaction takes them if all are free, at most 64 (with `lockDelayMs` 42), and then they have
   * one token. Otherwise, and on other stores, they are taken one after the other, each as `acquire` of a lock does. `waitMs`
   * and `signal` count for all together. Rejects as that does, and then holds none of them. Two groups never wait for each
   * other in a circle.
   */
  acquire(options?: AcquireOptions): Promise<GroupHold>
  /** Resolves with a hold if all names are free, otherwise with undefined and holds none. On etcd as one transaction. */
  tryAcquire(options?: TryOptions): Promise<GroupHold | undefined>
  /** `run` of a lock, under all of the mutexes. */
  run<T>(work: (hold: GroupHold) => T | Promise<T>, options?: RunOptions): Promise<T>
}

// The object that `acquire` returns: a held lock, permit, or lock of a tick. Types only, so that a test can pass its
// own object. core/hold.ts is the implementation.

import type { StoreKey } from '../contract.ts'
import type { AskOptions } from './ask.ts'

/** How to give a lock back. */
export interface ReleaseOptions {
  /**
   * How long, in ms, the name stays taken from now on: for a cool-down, or for work that may run once an hour. It stays so also
   * if this client closes or dies; `memory:` forgets it with the process. No client holds the name meanwhile, and waiters wait
   * their turn. The store measures the time, in the range of `facts.keepMs` (etcd: from 2 s, in whole seconds; Consul: 10 s to
   * 24 h, and the name may stay taken for up to twice that long; `file:` and `memory:`: up to 24 h). `break` ends it earlier.
   */
  readonly afterMs?: number | undefined
}

/**
 * A lock that is held. It ends by `release` (or at the end of an `await using` block), or it is lost: the session was
 * not renewed in time or was ended in the store, or the claim was removed from the store. Protected work should pass
 * `token` on, use `signal`, or call `assertHeld` before it acts.
 */
export interface Hold extends AsyncDisposable {
  /**
   * The fencing token: larger than that of every earlier holder of the name, whatever client it used. On etcd, tokens
   * of an election and of a mutex of the same name cannot be compared.
   */
  readonly token: bigint
  /** The name of the lock. */
  readonly name: string
  /**
   * The key by which this hold stands in the store. A transaction of your own that compares it writes only while this
   * hold stands, as with `IsOwner` in Go. On etcd compare the create revision of `key.name` with `key.revision`. On
   * Consul use `check-index` with both. There a checkpoint or a proclamation of this hold changes the number, so read it
   * just before the transaction. Undefined after a release, and on stores without such transactions (file, memory).
   * Sends nothing. `key.revision` is not `token`.
   */
  readonly key?: StoreKey | undefined
  /**
   * Whether this is still the holder. Computed from the clock when read, so it is right even after a blocked event
   * loop.
   */
  readonly held: boolean
  /** Time in ms to the local deadline. Every renewal moves the deadline. 0 after a release or loss. */
  readonly remainingMs: number
  /**
   * Aborts when the hold is lost, with a HoldLostError as the reason; never after a release. Reading this property or
   * its `aborted` compares the clock with the deadline first. So `fetch` and other code that checks the signal before
   * it begins sees a loss before any timer could report it.
   */
  readonly signal: AbortSignal
  /**
   * One signal that aborts when `signal` or one of `signals` does. Use it instead of `AbortSignal.any`: after a blocked
   * event loop, `aborted` of `AbortSignal.any` is false until a timer has run, and `aborted` of this signal is computed
   * from the clock. Throws TypeError for an argument that is not an AbortSignal.
   */
  signalWith(...signals: AbortSignal[]): AbortSignal
  /**
   * Throws HoldLostError unless this is still the holder and has at least `minMs` ms left (default 0). Call it before each
   * effect, with the time that the effect may need. Throws TypeError or RangeError for a bad `minMs`. Sends nothing.
   */
  assertHeld(minMs?: number): void
  /**
   * Asks the store, by a consistent read, whether this is still the holder. Costs one request. Rejects with
   * HoldLostError if it is not, and with UnavailableError if the store did not answer.
   */
  verify(options?: AskOptions): Promise<void>
  /**
   * Stores `text` for this name in the store, which refuses it unless this hold still stands. So the text that the
   * next holder reads with `lock.readCheckpoint()` is the last one that was written. Costs one request. Rejects with
   * HoldLostError when refused, with TypeError or RangeError for a text that is no string or too long, and with
   * UnavailableError as `verify` does.
   */
  checkpoint(text: string, options?: AskOptions): Promise<void>
  /**
   * Gives the lock back. Idempotent. `held` is false at once. The promise resolves when the store has removed the
   * claim, which takes one request, or when the session is over, which also removes it. Rejects only with
   * RefusedError. After a loss it does nothing.
   *
   * With `afterMs` the name stays taken for that long. The promise resolves when the store has noted that, after up to three
   * requests: await it before `close`. It rejects with HoldLostError if the hold was lost before: then the name may be free.
   * Rejects with TypeError or RangeError for a bad option, and for the term of an election; then nothing has changed.
   */
  release(options?: ReleaseOptions): Promise<void>
}

/** A hold of one or more permits of a semaphore. */
export interface PermitHold extends Hold {
  /** How many permits it has. */
  readonly permits: number
  /**
   * Gives back so many permits and keeps the others, which admits the next in line. The token stays. Costs one request.
   * Rejects with TypeError or RangeError unless some permits are left, and as `checkpoint` does. After an UnavailableError,
   * or an abort by `signal`, `permits` has the smaller number, and the store is asked on in the background: those given back
   * are free when it has answered, or when the hold ends.
   */
  shrink(permits: number, options?: AskOptions): Promise<void>
}

/** A hold of a reader. */
export interface ReadHold extends Hold {
  /** Always throws a TypeError that says why: two readers that both became writers would wait for each other for ever. */
  upgrade(): never
}

/** A hold of a writer. Its token is larger than that of every earlier reader and writer. */
export interface WriteHold extends Hold {
  /**
   * Makes the writer a reader without a gap: no other writer holds in between, and the readers behind it hold as well. The
   * token stays. Costs one request. Rejects as `checkpoint` does; after an UnavailableError or an abort it counts as
   * a reader, and the store is asked on in the background.
   */
  downgrade(options?: AskOptions): Promise<void>
}

/** The hold of several mutexes. */
export interface GroupHold extends AsyncDisposable {
  /** The fencing token of each name. */
  readonly tokens: ReadonlyMap<string, bigint>
  /** Whether this still holds all of them, computed when read. */
  readonly held: boolean
  /** Time in ms to the earliest deadline. 0 after a release or the first loss. */
  readonly remainingMs: number
  /** Aborts at the first loss, with a HoldLostError that names the lock. As computed as `signal` of a hold. */
  readonly signal: AbortSignal
  /** `signalWith` of a hold, for the signal of all. */
  signalWith(...signals: AbortSignal[]): AbortSignal
  /** `assertHeld` of each hold. */
  assertHeld(minMs?: number): void
  /** `verify` of each hold. Costs at most one request for each name. */
  verify(options?: AskOptions): Promise<void>
  /** Gives all of them back, on etcd by one transaction. Idempotent. With `afterMs` each of them stays taken: see `release` of a hold. */
  release(options?: ReleaseOptions): Promise<void>
}

/** A process that holds or waits, by its own description. */
export interface Holder {
  readonly host: string
  readonly pid: number
  /**
   * When it asked for the lock: ISO 8601 by its own wall clock. Undefined if it did not write that down. The value is
   * written before the admission, so it cannot say when the lock was admitted.
   */
  readonly since?: string | undefined
  /** Whether it is a candidate of an election that set no value of its own. */
  readonly candidate?: boolean | undefined
  /** Until when the name stays taken after its release, by the wall clock of the host that released it. */
  readonly keptUntil?: string | undefined
  /** The token of its hold, if it wrote that down: `leasehold run` does so if the store shows another number. */
  readonly token?: string | undefined
}

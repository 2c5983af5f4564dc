// The Web Locks API as its callers see it, over a cluster. Types only: they fit those of lib.dom, so that a `LockManager`
// can be one of these. manager.ts is the implementation.
import type { AskOptions } from '../api/ask.ts'

/** `exclusive`: one holder alone. `shared`: any number of them together. */
export type WebLockMode = 'exclusive' | 'shared'

/** The options of `request`, as the standard has them. */
export interface WebLockOptions {
  /** Default: `exclusive`. */
  readonly mode?: WebLockMode | undefined
  /** Whether to call the callback with null instead of waiting. Not with `steal` or `signal`. */
  readonly ifAvailable?: boolean | undefined
  /** When it aborts, the wait ends and the request rejects with its reason. Without effect on a lock that is held. */
  readonly signal?: AbortSignal | undefined
  /**
   * Whether to take the lock away from all that hold it. Only with the mode `exclusive`; not with `ifAvailable` or
   * `signal`. For each holder its request rejects with an AbortError. Its callback goes on until it looks at `lock.signal`.
   */
  readonly steal?: boolean | undefined
}

/** A lock that is held, as the callback gets it. `token` and `signal` are not in the standard. */
export interface WebLock {
  readonly name: string
  readonly mode: WebLockMode
  /** The fencing token. That of an exclusive lock is larger than all earlier ones of the name. */
  readonly token: bigint
  /** Aborts when the lock was lost or stolen. From then on the work is not protected. */
  readonly signal: AbortSignal
}

/** The work under a lock. With `ifAvailable` the lock is null if it was not free. */
export type WebLockCallback<T> = (lock: WebLock | null) => T

/** One lock or one request in a snapshot. */
export interface WebLockInfo {
  readonly name: string
  readonly mode: WebLockMode
  /** The session of the client in the store. */
  readonly clientId: string
}

/** The state of all locks. */
export interface WebLocksSnapshot {
  held: WebLockInfo[]
  /** For each name in the order of the line. */
  pending: WebLockInfo[]
}

/** navigator.locks for all clients of one store. */
export interface WebLocks {
  /**
   * Waits for the lock, calls `callback` with it, releases the lock when the result of the callback has settled, and then
   * settles in the same way. Rejects with `signal.reason` on abort, with a DOMException `NotSupportedError` for a name
   * that begins with "-" or for options that exclude each other, and with TypeError or RangeError for bad arguments. If
   * the lock is lost or stolen before the work is done, rejects at once with a DOMException `AbortError`; after a loss its
   * `cause` is the HoldLostError. Rejects as `acquire` of a lock does if the store fails.
   */
  request<T>(name: string, callback: WebLockCallback<T>): Promise<Awaited<T>>
  /** The same with options. */
  request<T>(name: string, options: WebLockOptions, callback: WebLockCallback<T>): Promise<Awaited<T>>
  /**
   * The locks that all clients hold and wait for, by a consistent read. For people to read, since the answer may be out of
   * date when it arrives. Costs as much as `survey`, and rejects as that does.
   */
  query(options?: AskOptions): Promise<WebLocksSnapshot>
}

/** How the names of web locks become names in the store. */
export interface WebLocksOptions {
  /**
   * Stands before every name, so that web locks and other locks of the store cannot meet. Default: none, so that the lock
   * of a name is `rwlock` of that name.
   */
  readonly prefix?: string | undefined
}

// What the etcd backend needs of a connection: types only, so that a simulated server can stand in for a real one.
import type { ITxnRequest, ITxnResponse } from 'etcd3'

/** A range of keys: one key without `end`, else all keys from `key` up to but not including `end`. */
export interface KeyRange {
  readonly key: string
  readonly end?: string | undefined
}

/** One key, written or gone. */
export interface Change {
  readonly key: string
  readonly revision: bigint
}

/** What a watch tells: first that it is live, then each event once and in order. After `failed` it tells nothing more. */
export interface WatchListener {
  /** The watch is live and will tell everything that happens after this revision. */
  created(revision: bigint): void
  /** These keys were deleted, in the order of their revisions. */
  deleted(deletions: readonly Change[]): void
  /** These keys were written, in the order of their revisions. Without this listener none of that is sent. */
  written?(writes: readonly Change[]): void
  /** The watch has ended, for whatever reason; what happened since is unknown. */
  failed(): void
}

/**
 * A connection to etcd. The requests reject with UnavailableError, RefusedError or SessionGoneError, and with
 * `signal.reason` when the signal aborts.
 */
export interface Transport {
  txn(request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse>
  /** Grants a lease with this id; resolves with the seconds granted. */
  grant(lease: string, ttlSeconds: number, signal: AbortSignal): Promise<number>
  /** Renews a lease; the answer is that to this very request. */
  keepAlive(lease: string, signal: AbortSignal): Promise<void>
  /** Ends a lease. Resolves also when it is not there. */
  revoke(lease: string, signal: AbortSignal): Promise<void>
  /** How many seconds a lease has left, less than one of them more; undefined where there is no such lease. */
  timeToLive(lease: string, signal: AbortSignal): Promise<number | undefined>
  /**
   * Watches from the present on: a watch that begins in the past joins the server's catch-up group,
   * which is served ten times a second. The function returned ends it.
   */
  watch(range: KeyRange, listener: WatchListener): () => void
  close(): void
}

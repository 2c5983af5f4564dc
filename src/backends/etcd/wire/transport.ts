// The connection that the etcd backend needs: types only, so that a simulated server can stand in for a real one.
import type { ITxnRequest, ITxnResponse } from 'etcd3'

/** A range of keys: one key without `end`, otherwise all keys from `key` up to but not including `end`. */
export interface KeyRange {
  readonly key: string
  readonly end?: string | undefined
}

/** One written or deleted key. */
export interface Change {
  readonly key: string
  readonly revision: bigint
}

/** One written key. */
export interface Write extends Change {
  readonly value: string
}

/** The events of a watch: first `created`, then each change once and in order. No event follows after `failed`. */
export interface WatchListener {
  /** The watch is live and reports every change after this revision. */
  created(revision: bigint): void
  /** These keys were deleted, in the order of their revisions. */
  deleted(deletions: readonly Change[]): void
  /**
   * These keys were written, in the order of their revisions. The server sends writes only if this listener is given.
   */
  written?(writes: readonly Write[]): void
  /** The watch has ended for some reason; later changes are unknown. */
  failed(): void
}

/**
 * A connection to etcd. The requests reject with UnavailableError, RefusedError or SessionGoneError, and with
 * `signal.reason` when the signal aborts.
 */
export interface Transport {
  txn(request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse>
  /** Grants a lease with this id. Resolves with the granted seconds. */
  grant(lease: string, ttlSeconds: number, signal: AbortSignal): Promise<number>
  /** Renews a lease. Resolves with the answer to this request, never with that to another one. */
  keepAlive(lease: string, signal: AbortSignal): Promise<void>
  /** Ends a lease. Also resolves if the lease does not exist. */
  revoke(lease: string, signal: AbortSignal): Promise<void>
  /** The seconds that a lease has left, rounded down. Undefined if there is no such lease. */
  timeToLive(lease: string, signal: AbortSignal): Promise<number | undefined>
  /**
   * Watches from now on. (A watch from the past joins the server's catch-up group, which is served only ten times a
   * second.) The returned function ends it.
   */
  watch(range: KeyRange, listener: WatchListener): () => void
  close(): void
}

// One connection to one member of a cluster, whatever makes it: types only. client.ts decides which member is asked.
import type {
  ILeaseKeepAliveRequest,
  ILeaseKeepAliveResponse,
  ITxnRequest,
  ITxnResponse,
  IWatchRequest,
  IWatchResponse,
} from 'etcd3'

/** The most that one request may take, for the server to know. Callers give up before, by their signal. */
export const callMsMax = 10_000

/** One side of a stream: writes questions, and gets answers until an event `error` or `end`. */
export interface Duplex<Question, Answer> {
  on(event: 'data', listener: (answer: Answer) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  write(question: Question): unknown
  /** Ends the stream for both sides, once the questions that were written are sent. */
  cancel(): void
}
/** The stream of renewals. */
export type KeepAliveStream = Duplex<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>
/** The stream of watches. */
export type WatchStream = Duplex<IWatchRequest, IWatchResponse>

/**
 * A connection. Its requests reject with `signal.reason` when the signal aborts, and otherwise with what `translate` turns
 * into an error for a caller.
 */
export interface Link {
  txn(request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse>
  grant(lease: string, ttlSeconds: number, signal: AbortSignal): Promise<{ readonly TTL: string }>
  revoke(lease: string, signal: AbortSignal): Promise<unknown>
  timeToLive(lease: string, signal: AbortSignal): Promise<{ readonly TTL: string }>
  keepAlives(): Promise<KeepAliveStream>
  watches(): Promise<WatchStream>
  /** The error for a caller: UnavailableError, RefusedError or SessionGoneError. An error that no server sent stays. */
  translate(error: unknown): unknown
  /** Whether the server refused a request since the user has no permission for its keys. */
  isDenied(error: unknown): boolean
  close(): void
}

/** One member of the cluster, or a client that the caller made and closes. */
export interface Endpoint {
  /** Connects for the first time, and again after every failure. */
  connect(): Link
}

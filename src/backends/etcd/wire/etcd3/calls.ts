// The options of gRPC calls. Owns that streams end when there is no leader; etcd3/link.ts makes and cancels the calls.
import type { Etcd3 } from 'etcd3'

/** The options of a call, which etcd3 passes on to gRPC. */
export type CallOptions = NonNullable<Parameters<Etcd3['kv']['txn']>[1]>

/** A function that gRPC calls before a call is sent. */
export type Interceptor = NonNullable<CallOptions['interceptors']>[number]

/**
 * Asks the server to end a stream if it has no leader. Otherwise a member that is cut off would stay silent for ever.
 */
export const requireLeader: Interceptor = (options, next) => {
  const call = next(options)
  const start = call.start.bind(call)
  call.start = (metadata, listener) => {
    metadata.set('hasleader', 'true')
    start(metadata, listener)
  }
  return call as ReturnType<Interceptor>
}

// What is said with a gRPC call. Owns that streams end without a leader; client.ts makes the calls, and takes them back.
import type { Etcd3 } from 'etcd3'

/** The options of a call, as etcd3 passes them on to gRPC. */
export type CallOptions = NonNullable<Parameters<Etcd3['kv']['txn']>[1]>

/** What sees a call before it leaves. */
export type Interceptor = NonNullable<CallOptions['interceptors']>[number]

/** Asks the server to end a stream when it has no leader: a member that is cut off would stay silent for ever. */
export const requireLeader: Interceptor = (options, next) => {
  const call = next(options)
  const start = call.start.bind(call)
  call.start = (metadata, listener) => {
    metadata.set('hasleader', 'true')
    start(metadata, listener)
  }
  return call as ReturnType<Interceptor>
}

// What is added to single gRPC calls: that they can be taken back, and that streams end without a leader. Owns no
// connection; client.ts makes the calls.
import type { Etcd3 } from 'etcd3'
import type { Clock } from '../../../base/clock.ts'

/** The options of a call, as etcd3 passes them on to gRPC. */
export type CallOptions = NonNullable<Parameters<Etcd3['kv']['txn']>[1]>

type Interceptor = NonNullable<CallOptions['interceptors']>[number]

/** gRPC's FAILED_PRECONDITION: for CANCELLED etcd3 would close the connection that all others use. */
const givenUp = 9

/** A request that can be taken back when nobody waits for it: it would keep the process alive, and might arrive. */
export class Cancellable {
  readonly #clock: Clock
  #call: ReturnType<Interceptor> | undefined
  #cancelled = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  readonly interceptor: Interceptor = (options, next) => {
    this.#call = next(options) as ReturnType<Interceptor>
    if (this.#cancelled) this.cancel()
    return this.#call
  }

  /** Later, since gRPC forgets to cancel what has only just begun. */
  cancel(): void {
    this.#cancelled = true
    this.#clock.after(0, () => this.#call?.cancelWithStatus(givenUp, 'given up'))
  }
}

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

// A connection through a client of the npm package etcd3, which the caller made, configured and closes. Owns how its calls
// are cancelled and its streams opened. failures.ts says what its errors mean.
import type { Etcd3, IDuplexStream, ITxnRequest, ITxnResponse } from 'etcd3'
import { orAborted } from '../../../../base/abort.ts'
import type { Clock } from '../../../../base/clock.ts'
import { type Cancellable, hangUp } from '../hang-up.ts'
import {
  callMsMax,
  type Duplex,
  type Endpoint,
  type KeepAliveStream,
  type Link,
  type WatchStream,
} from '../link.ts'
import { type CallOptions, type Interceptor, requireLeader } from './calls.ts'
import { isDenied, translate } from './failures.ts'

/** The endpoint of a client that the caller made, configured and closes. */
export function givenClient(client: Etcd3, clock: Clock): Endpoint {
  return { connect: () => new GivenClient(client, clock) }
}

class GivenClient implements Link {
  readonly #client: Etcd3
  readonly #clock: Clock

  constructor(client: Etcd3, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  txn(request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse> {
    return this.#call(signal, (options) => this.#client.kv.txn(request, options))
  }

  grant(lease: string, ttlSeconds: number, signal: AbortSignal): Promise<{ readonly TTL: string }> {
    const request = { ID: lease, TTL: ttlSeconds }
    return this.#call(signal, (options) => this.#client.leaseClient.leaseGrant(request, options))
  }

  revoke(lease: string, signal: AbortSignal): Promise<unknown> {
    return this.#call(signal, (options) => this.#client.leaseClient.leaseRevoke({ ID: lease }, options))
  }

  timeToLive(lease: string, signal: AbortSignal): Promise<{ readonly TTL: string }> {
    return this.#call(signal, (options) => this.#client.leaseClient.leaseTimeToLive({ ID: lease }, options))
  }

  async keepAlives(): Promise<KeepAliveStream> {
    const options = { interceptors: [requireLeader] }
    return this.#duplex(await this.#client.leaseClient.leaseKeepAlive(options))
  }

  async watches(): Promise<WatchStream> {
    return this.#duplex(await this.#client.watchClient.watch({ interceptors: [requireLeader] }))
  }

  /** etcd3's types leave out how a stream ends. */
  #duplex<Q, A>(stream: IDuplexStream<Q, A>): Duplex<Q, A> {
    return {
      on: (event: 'data' | 'error' | 'end', listener: never) => stream.on(event as 'data', listener),
      write: (question) => stream.write(question),
      cancel: () => hangUp(stream as IDuplexStream<Q, A> & Cancellable, this.#clock),
    }
  }

  translate(error: unknown): unknown {
    return translate(error, 'the given client')
  }

  isDenied(error: unknown): boolean {
    return isDenied(error)
  }

  close(): void {}

  async #call<T>(signal: AbortSignal, ask: (options: CallOptions) => Promise<T>): Promise<T> {
    const { interceptor, cancel } = cancellable(this.#clock)
    const options = { deadline: this.#clock.wallMs() + callMsMax, interceptors: [interceptor] }
    try {
      return await orAborted(ask(options), signal)
    } catch (error) {
      if (signal.aborted) cancel()
      throw error
    }
  }
}

/** gRPC's FAILED_PRECONDITION. On CANCELLED, etcd3 would close the connection that all requests share. */
const givenUp = 9

/** Cancels a request that nobody waits for any more. It would keep the process alive, and it might still arrive. */
function cancellable(clock: Clock): { interceptor: Interceptor; cancel: () => void } {
  let call: ReturnType<Interceptor> | undefined
  let cancelled = false
  const interceptor: Interceptor = (options, next) => {
    call = next(options) as ReturnType<Interceptor>
    if (cancelled) cancel()
    return call
  }
  const cancel = (): void => {
    cancelled = true
    // Deferred, since gRPC ignores a cancel of a request that has only just begun.
    clock.after(0, () => call?.cancelWithStatus(givenUp, 'given up'))
  }
  return { interceptor, cancel }
}

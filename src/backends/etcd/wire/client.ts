// Requests and streams over etcd3 and gRPC, one endpoint at a time. Owns which endpoint is asked; knows no locks. By
// default etcd3 retries writes, balances per request and breaks circuits. All of that is off here, since
// core/request.ts decides which requests are repeated. failures.ts says what an error means.
import { rootCertificates } from 'node:tls'
import { Etcd3, type IOptions, type ITxnRequest, type ITxnResponse } from 'etcd3'
import { orAborted } from '../../../base/abort.ts'
import type { Clock } from '../../../base/clock.ts'
import { RefusedError, SessionGoneError, UnavailableError } from '../../../base/errors.ts'
import type { Credentials, Tls } from '../../shared/credentials.ts'
import { type CallOptions, type Interceptor, requireLeader } from './calls.ts'
import { isDenied, translate } from './failures.ts'
import { permissionFor } from './permissions.ts'
import { type Closable, KeepAlives } from './streams.ts'
import type { KeyRange, Transport, WatchListener } from './transport.ts'
import { Watches } from './watches.ts'

/** One member of the cluster, or a client that the caller made and closes. */
export interface Endpoint {
  readonly address: string
  /** Connects for the first time, and again after every failure. */
  connect(): Etcd3
  disconnect(client: Etcd3): void
}

type Connection = { readonly endpoint: Endpoint; readonly client: Etcd3 }
type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>

const callMsMax = 10_000

/** A connection to a cluster through etcd3. */
export class EtcdClient implements Transport {
  readonly #clock: Clock
  readonly #endpoints: readonly Endpoint[]
  readonly #authenticated: boolean
  readonly #keepAlives: KeepAlives
  readonly #watches: Watches
  #current = 0
  #closed = false
  #connected: Connection | undefined

  constructor(clock: Clock, endpoints: readonly Endpoint[], authenticated: boolean) {
    this.#clock = clock
    this.#endpoints = endpoints
    this.#authenticated = authenticated
    this.#keepAlives = new KeepAlives(
      () => this.#stream((client, options) => client.leaseClient.leaseKeepAlive(options)),
      clock,
    )
    this.#watches = new Watches(
      () => this.#stream((client, options) => client.watchClient.watch(options)),
      clock,
    )
  }

  async txn(request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse> {
    try {
      return await this.#call(signal, (client, options) => client.kv.txn(request, options))
    } catch (error) {
      if (!isDenied(error)) throw error
      throw new RefusedError(`${error.message}: ${permissionFor(request)}`, { cause: error.cause })
    }
  }

  async grant(lease: string, ttlSeconds: number, signal: AbortSignal): Promise<number> {
    const granted = await this.#call(signal, (client, options) =>
      client.leaseClient.leaseGrant({ ID: lease, TTL: ttlSeconds }, options),
    )
    return Number(granted.TTL)
  }

  async keepAlive(lease: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const connection = this.#connection
    try {
      await this.#keepAlives.renew(lease, signal)
    } catch (error) {
      throw this.#understood(error, connection)
    }
  }

  async revoke(lease: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#call(signal, (client, options) => client.leaseClient.leaseRevoke({ ID: lease }, options))
    } catch (error) {
      if (!(error instanceof SessionGoneError)) throw error
    }
  }

  async timeToLive(lease: string, signal: AbortSignal): Promise<number | undefined> {
    const { TTL } = await this.#call(signal, (client, options) =>
      client.leaseClient.leaseTimeToLive({ ID: lease }, options),
    )
    return Number(TTL) < 0 ? undefined : Number(TTL)
  }

  watch(range: KeyRange, listener: WatchListener): () => void {
    return this.#watches.watch(range, listener)
  }

  close(): void {
    this.#closed = true
    this.#disconnect()
  }

  #disconnect(): void {
    this.#keepAlives.close()
    this.#watches.reset()
    this.#connected?.endpoint.disconnect(this.#connected.client)
    this.#connected = undefined
  }

  get #connection(): Connection {
    if (this.#closed) throw new UnavailableError('the connection to etcd was closed')
    if (this.#connected) return this.#connected
    const endpoint = this.#endpoints[this.#current % this.#endpoints.length] as Endpoint
    this.#connected = { endpoint, client: endpoint.connect() }
    return this.#connected
  }

  async #call<T>(signal: AbortSignal, ask: (client: Etcd3, options: CallOptions) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const connection = this.#connection
    const { interceptor, cancel } = cancellable(this.#clock)
    const options = { deadline: this.#clock.wallMs() + callMsMax, interceptors: [interceptor] }
    try {
      return await orAborted(ask(connection.client, options), signal)
    } catch (error) {
      if (signal.aborted) cancel()
      throw this.#understood(error, connection)
    }
  }

  /** A stream carries the token of the last request and never renews it. So a request is sent first. */
  async #stream<T>(open: (client: Etcd3, options: CallOptions) => Promise<T>): Promise<T & Closable> {
    const { client } = this.#connection
    const options = { deadline: this.#clock.wallMs() + callMsMax }
    if (this.#authenticated) await client.kv.range({ key: Buffer.from('\0') }, options).catch(() => {})
    return (await open(client, { interceptors: [requireLeader] })) as T & Closable
  }

  /** Translates an error. After an endpoint did not answer, the next one is used. */
  #understood(error: unknown, { endpoint, client }: Connection): unknown {
    const meaning = translate(error, endpoint.address)
    if (meaning instanceof UnavailableError && client === this.#connected?.client) this.#moveOn()
    return meaning
  }

  /** This also helps with a single endpoint: a new connection has none of the old one's problems. */
  #moveOn(): void {
    this.#disconnect()
    this.#current += 1
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

/** A member to connect to. */
export function member(address: string, { auth, tls }: Credentials, clock: Clock): Endpoint {
  let connections = 0
  return {
    address,
    connect() {
      connections += 1
      return new Etcd3({
        hosts: `${tls ? 'https' : 'http'}://${address}`,
        // etcd3 logs in over a separate connection that it never closes. The deadline stops a hung server from keeping
        // that connection open.
        ...(auth ? { auth: { ...auth, callOptions: () => ({ deadline: clock.wallMs() + callMsMax }) } } : {}),
        ...(typeof tls === 'object' ? { credentials: certificates(tls) } : {}),
        faultHandling: { global: passThrough, host: () => passThrough },
        grpcOptions: grpcOptions(connections),
      })
    },
    disconnect: (client) => client.close(),
  }
}

/** A client that the caller made, configured and closes. */
export function givenClient(client: Etcd3): Endpoint {
  return { address: 'the given client', connect: () => client, disconnect: () => {} }
}

function grpcOptions(connection: number): NonNullable<IOptions['grpcOptions']> {
  return {
    // Pings find a silently dead connection after 15 s. etcd accepts one ping every 5 s.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    // gRPC would use http_proxy and grpc_proxy, even on the way to 127.0.0.1, and write to stderr if it cannot. etcdctl
    // goes through no proxy either.
    'grpc.enable_http_proxy': 0,
    // A whole line with all its values may exceed the 4 MiB that gRPC takes by default.
    'grpc.max_receive_message_length': -1,
    // Without an option that differs, gRPC would reuse the old socket for the new connection.
    'leasehold.connection': connection,
  }
}

// By default etcd3 would retry writes and, after three failures, send nothing for 5 s. It calls only `execute`, and
// expects a promise even if the function throws.
const passThrough = { execute: async (run: () => unknown) => run() } as unknown as Policy

/** A missing part means the system's authorities, or no client certificate. */
function certificates({ ca, cert, key }: Tls): NonNullable<IOptions['credentials']> {
  const own = cert && key ? { certChain: Buffer.from(cert), privateKey: Buffer.from(key) } : {}
  const trusted = ca === undefined ? rootCertificates : [ca].flat()
  return { rootCertificate: Buffer.from(trusted.join('\n')), ...own }
}

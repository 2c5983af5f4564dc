// Requests and streams over etcd3 and gRPC, one endpoint at a time. Owns which endpoint is asked; knows nothing of
// locks. etcd3 retries writes, balances per request and breaks circuits by default: all of that is switched off here,
// since acquire and session decide what is tried again. What an error means is in failures.ts.
import { rootCertificates } from 'node:tls'
import { Etcd3, type IOptions, type ITxnRequest, type ITxnResponse } from 'etcd3'
import { orAborted } from '../../../base/abort.ts'
import type { Clock } from '../../../base/clock.ts'
import { SessionGoneError, UnavailableError } from '../../../base/errors.ts'
import type { Credentials, Tls } from '../../shared/credentials.ts'
import { type CallOptions, type Interceptor, requireLeader } from './calls.ts'
import { translate } from './failures.ts'
import { KeepAlives, Watches } from './streams.ts'
import type { KeyRange, Transport, WatchListener } from './transport.ts'

/** One member of the cluster, or a client that its owner made and closes. */
export interface Endpoint {
  readonly address: string
  /** Connects, and again after every failure. */
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
  readonly #keepAlives = new KeepAlives(() =>
    this.#stream((client, options) => client.leaseClient.leaseKeepAlive(options)),
  )
  readonly #watches = new Watches(() => this.#stream((client, options) => client.watchClient.watch(options)))
  #current = 0
  #closed = false
  #connected: Connection | undefined

  constructor(clock: Clock, endpoints: readonly Endpoint[], authenticated: boolean) {
    this.#clock = clock
    this.#endpoints = endpoints
    this.#authenticated = authenticated
  }

  txn(request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse> {
    return this.#call(signal, (client, options) => client.kv.txn(request, options))
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

  /** Streams carry the token of the last request and never renew it: so a request goes first. */
  async #stream<T>(open: (client: Etcd3, options: CallOptions) => Promise<T>): Promise<T> {
    const { client } = this.#connection
    const options = { deadline: this.#clock.wallMs() + callMsMax }
    if (this.#authenticated) await client.kv.range({ key: Buffer.from('\0') }, options).catch(() => {})
    return open(client, { interceptors: [requireLeader] })
  }

  /** An error as one of ours. An endpoint that did not answer is left for the next one. */
  #understood(error: unknown, { endpoint, client }: Connection): unknown {
    const meaning = translate(error, endpoint.address)
    if (meaning instanceof UnavailableError && client === this.#connected?.client) this.#moveOn()
    return meaning
  }

  /** With one endpoint this too is right: a new connection shakes off whatever ailed the old one. */
  #moveOn(): void {
    this.#disconnect()
    this.#current += 1
  }
}

/** gRPC's FAILED_PRECONDITION: for CANCELLED etcd3 would close the connection that all others use. */
const givenUp = 9

/** Takes a request back when nobody waits for it: it would keep the process alive, and might arrive. */
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
    // Later, since gRPC forgets to cancel a request that has only just begun.
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
        // It logs in over a connection of its own that it never closes: a hung server must not keep that alive.
        ...(auth ? { auth: { ...auth, callOptions: () => ({ deadline: clock.wallMs() + callMsMax }) } } : {}),
        ...(typeof tls === 'object' ? { credentials: certificates(tls) } : {}),
        faultHandling: { global: passThrough, host: () => passThrough },
        grpcOptions: grpcOptions(connections),
      })
    },
    disconnect: (client) => client.close(),
  }
}

/** A client that somebody else made, configured and closes. */
export function givenClient(client: Etcd3): Endpoint {
  return { address: 'the given client', connect: () => client, disconnect: () => {} }
}

function grpcOptions(connection: number): NonNullable<IOptions['grpcOptions']> {
  return {
    // A connection that died in silence is found out after 15 s. etcd accepts pings from every 5 s on.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    // A line as a whole, with all that its claims say, may be longer than the 4 MiB that gRPC takes otherwise.
    'grpc.max_receive_message_length': -1,
    // gRPC would hand out the old socket again to whoever has the same options.
    'leasehold.connection': connection,
  }
}

// etcd3 would retry writes and, after three failures, send nothing for 5 s. It only ever calls `execute`, also with
// functions that throw, and then looks for a promise.
const passThrough = { execute: async (run: () => unknown) => run() } as unknown as Policy

/** What is missing falls back to the system's authorities, and to no client certificate. */
function certificates({ ca, cert, key }: Tls): NonNullable<IOptions['credentials']> {
  const own = cert && key ? { certChain: Buffer.from(cert), privateKey: Buffer.from(key) } : {}
  const trusted = ca === undefined ? rootCertificates : [ca].flat()
  return { rootCertificate: Buffer.from(trusted.join('\n')), ...own }
}

// Requests and streams over etcd3 and gRPC, one endpoint at a time. Owns which endpoint is asked and what an error
// means; knows nothing of locks. How an endpoint is connected to is in endpoints.ts.
import {
  ClientClosedError,
  type Etcd3,
  EtcdAuthenticationFailedError,
  EtcdError,
  EtcdInvalidAuthTokenError,
  EtcdLeaseInvalidError,
  EtcdPermissionDeniedError,
  GRPCGenericError,
  GRPCUnauthenticatedError,
  type ITxnRequest,
  type ITxnResponse,
  isRecoverableError,
} from 'etcd3'
import { orAborted } from '../../../base/abort.ts'
import type { Clock } from '../../../base/clock.ts'
import { RefusedError, SessionGoneError, UnavailableError } from '../../../base/errors.ts'
import { oneLine } from '../../../base/printable.ts'
import { type CallOptions, type Interceptor, requireLeader } from './calls.ts'
import { callMsMax, type Endpoint } from './endpoints.ts'
import { KeepAlives, Watches } from './streams.ts'
import type { KeyRange, Transport, WatchListener } from './transport.ts'

type Connection = { readonly endpoint: Endpoint; readonly client: Etcd3 }

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

const refusals = [EtcdPermissionDeniedError, EtcdAuthenticationFailedError, GRPCUnauthenticatedError]
const staleAuth = /auth store is old|invalid auth token/
const tooLarge = /message larger than max/ // gRPC's own limit, which asking again does not move
/** The status says that all is well, and the answer is missing: it was cut short on the way, which is no refusal. */
const brokenOff = /No message received/
const wrongAuth = /user name is empty|authentication is not enabled|user name not found/

/** What an error says, without the name of its class and without the words of gRPC's that say nothing. */
function said(message: string): string {
  const text = oneLine(message.replace(/^\w*Error: /, '').replace(/[\s.]*Resolution note:\s*$/, ''))
  if (!/No connection established|Failed to connect/.test(text)) return text
  return `${text}; is it there, and is it right about TLS (etcd: has none, etcds: has)?`
}

/** What an error of etcd3 means for the caller. What no server said stays as it is. */
function translate(error: unknown, address: string): unknown {
  if (!(error instanceof Error)) return error
  const text = `etcd at ${address}: ${said(error.message)}`
  if (error instanceof EtcdLeaseInvalidError) return new SessionGoneError(text, { cause: error })
  if (error instanceof EtcdInvalidAuthTokenError || staleAuth.test(error.message)) {
    return new UnavailableError(text, { cause: error })
  }
  const refused =
    refusals.some((type) => error instanceof type) ||
    wrongAuth.test(error.message) ||
    tooLarge.test(error.message)
  if (refused) return new RefusedError(text, { cause: error })
  const brokenCircuit = 'isBrokenCircuitError' in error // by the policy of a given client
  const lost = isRecoverableError(error) || brokenOff.test(error.message)
  const transient = brokenCircuit || lost || error instanceof UnavailableError
  if (transient || error instanceof ClientClosedError) return new UnavailableError(text, { cause: error })
  const answered = error instanceof GRPCGenericError || error instanceof EtcdError
  return answered ? new RefusedError(text, { cause: error }) : error
}

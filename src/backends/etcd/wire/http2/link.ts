// A connection to one member of a cluster, by gRPC over node:http2. Owns the login, and that renewals have a connection of
// their own, on which no other request can delay them. grpc.ts sends; failures.ts says what an error means.
import type { SecureClientSessionOptions } from 'node:http2'
import type { ITxnRequest, ITxnResponse } from 'etcd3'
import type { Clock } from '../../../../base/clock.ts'
import type { Auth, Credentials } from '../../../shared/credentials.ts'
import { callMsMax, type Endpoint, type KeepAliveStream, type Link, type WatchStream } from '../link.ts'
import { isDenied, isStaleToken, translate } from './failures.ts'
import { Connection, type Metadata, type Target } from './grpc.ts'
import { Login } from './login.ts'
import * as etcd from './messages.ts'

/** A member at `host:port`. */
export function member(address: string, credentials: Credentials, clock: Clock): Endpoint {
  const { auth } = credentials
  const target = targetOf(address, credentials)
  const connection = (): Connection => new Connection(target, clock)
  return {
    connect: () => new MemberLink(address, { calls: connection(), renewals: connection() }, { auth, clock }),
  }
}

/** How to reach a member at `host:port`. */
export function targetOf(address: string, { tls }: Credentials): Target {
  const url = `${tls ? 'https' : 'http'}://${address}`
  return { url, tls: typeof tls === 'object' ? (tls as SecureClientSessionOptions) : {} }
}

interface Connections {
  readonly calls: Connection
  readonly renewals: Connection
}

class MemberLink implements Link {
  readonly #address: string
  readonly #connections: Connections
  readonly #login: Login | undefined

  constructor(
    address: string,
    connections: Connections,
    { auth, clock }: { auth: Auth | undefined; clock: Clock },
  ) {
    this.#address = address
    this.#connections = connections
    this.#login = auth && new Login(connections.calls, auth, clock)
  }

  txn(request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse> {
    return this.#call(etcd.txn, request, signal)
  }

  grant(lease: string, ttlSeconds: number, signal: AbortSignal): Promise<etcd.Lease> {
    // Its renewals need their connection soon. Far away, with a short time to live, there is no time left to make it then.
    this.#connections.renewals.open()
    return this.#call(etcd.leaseGrant, { ID: lease, TTL: ttlSeconds }, signal)
  }

  revoke(lease: string, signal: AbortSignal): Promise<void> {
    return this.#call(etcd.leaseRevoke, { ID: lease }, signal)
  }

  timeToLive(lease: string, signal: AbortSignal): Promise<etcd.Lease> {
    return this.#call(etcd.leaseTimeToLive, { ID: lease }, signal)
  }

  async keepAlives(): Promise<KeepAliveStream> {
    return this.#connections.renewals.stream(etcd.leaseKeepAlive, await this.#streaming())
  }

  async watches(): Promise<WatchStream> {
    return this.#connections.calls.stream(etcd.watch, await this.#streaming())
  }

  translate(error: unknown): unknown {
    return translate(error, this.#address)
  }

  isDenied(error: unknown): boolean {
    return isDenied(error)
  }

  close(): void {
    this.#connections.calls.close()
    this.#connections.renewals.close()
  }

  #call<Q, A>(method: etcd.Method<Q, A>, question: Q, signal: AbortSignal): Promise<A> {
    const login = this.#login
    if (login) return this.#callAs(login, method, question, signal)
    return this.#connections.calls.call(method, question, { metadata: {}, signal, limitMs: callMsMax })
  }

  /**
   * Sends a request with the token of a login. If the token is over, the server did nothing, so the request is sent once more with a
   * new one.
   */
  async #callAs<Q, A>(login: Login, method: etcd.Method<Q, A>, question: Q, signal: AbortSignal): Promise<A> {
    const { calls } = this.#connections
    const ask = async (): Promise<A> =>
      calls.call(method, question, {
        metadata: await login.metadata(signal),
        signal,
        limitMs: callMsMax,
      })
    try {
      return await ask()
    } catch (error) {
      if (!isStaleToken(error)) throw error
      login.forget()
      return ask()
    }
  }

  /**
   * The metadata of a stream. etcd ends a stream that has no leader only if it is asked to; otherwise a member that is cut
   * off would stay silent for ever. A stream keeps its token, so a request first proves that the token is still good.
   */
  async #streaming(): Promise<Metadata> {
    const hasleader = 'true'
    if (!this.#login) return { hasleader }
    const never = new AbortController().signal
    await this.#call(etcd.range, { key: Buffer.from('\0') }, never).catch(() => {})
    return { hasleader, ...(await this.#login.metadata(never)) }
  }
}

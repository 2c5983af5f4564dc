// Requests and streams to a cluster, one member at a time. Owns which member is asked; knows no locks, and no wire. Nothing
// is sent twice here: core/request.ts decides which requests are repeated.
import type { ITxnRequest, ITxnResponse } from 'etcd3'
import { RefusedError, SessionGoneError, UnavailableError } from '../../../base/errors.ts'
import type { Endpoint, Link } from './link.ts'
import { permissionFor } from './permissions.ts'
import { KeepAlives } from './streams.ts'
import type { KeyRange, Transport, WatchListener } from './transport.ts'
import { Watches } from './watches.ts'

/** A connection to a cluster. */
export class EtcdClient implements Transport {
  readonly #endpoints: readonly Endpoint[]
  readonly #keepAlives = new KeepAlives(async () => this.#link.keepAlives())
  readonly #watches = new Watches(async () => this.#link.watches())
  #current = 0
  #closed = false
  #connected: Link | undefined
  /** The number of answers so far. */
  #answers = 0

  constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints
  }

  txn(request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse> {
    return this.#call(
      signal,
      (link) => link.txn(request, signal),
      (error, link) => (link.isDenied(error) ? denied(request, error, link) : error),
    )
  }

  async grant(lease: string, ttlSeconds: number, signal: AbortSignal): Promise<number> {
    const { TTL } = await this.#call(signal, (link) => link.grant(lease, ttlSeconds, signal))
    return Number(TTL)
  }

  async keepAlive(lease: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const link = this.#link
    try {
      await this.#keepAlives.renew(lease, signal)
    } catch (error) {
      throw this.#understood(error, link)
    }
  }

  async revoke(lease: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#call(signal, (link) => link.revoke(lease, signal))
    } catch (error) {
      if (!(error instanceof SessionGoneError)) throw error
    }
  }

  async timeToLive(lease: string, signal: AbortSignal): Promise<number | undefined> {
    const { TTL } = await this.#call(signal, (link) => link.timeToLive(lease, signal))
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
    this.#connected?.close()
    this.#connected = undefined
  }

  get #link(): Link {
    if (this.#closed) throw new UnavailableError('the connection to etcd was closed')
    const endpoint = this.#endpoints[this.#current % this.#endpoints.length] as Endpoint
    this.#connected ??= endpoint.connect()
    return this.#connected
  }

  /**
   * Sends a request. If its time is over and another one was answered meanwhile, the member is busy, perhaps with requests of
   * this very client, and stays the one that is asked. So a member that falls silent is left by the first request that was
   * sent after its last answer. `explained` says more about an error. One async function, since each takes time in every request.
   */
  async #call<T>(
    signal: AbortSignal,
    ask: (link: Link) => Promise<T>,
    explained: (error: unknown, link: Link) => unknown = (error) => error,
  ): Promise<T> {
    signal.throwIfAborted()
    const link = this.#link
    const before = this.#answers
    try {
      const answer = await ask(link)
      this.#answers += 1
      return answer
    } catch (failure) {
      const error = explained(failure, link)
      const isBusy = signal.aborted && this.#answers > before
      throw isBusy ? link.translate(error) : this.#understood(error, link)
    }
  }

  /** Translates an error. After a member did not answer, the next one is asked. */
  #understood(error: unknown, link: Link): unknown {
    const meaning = link.translate(error)
    if (meaning instanceof UnavailableError && link === this.#connected) this.#moveOn()
    return meaning
  }

  /** This also helps with a single member: a new connection has none of the old one's problems. */
  #moveOn(): void {
    this.#disconnect()
    this.#current += 1
  }
}

/** The error of a server that refuses a transaction since the user has no permission for its keys. */
function denied(request: ITxnRequest, error: unknown, link: Link): RefusedError {
  const refused = link.translate(error) as RefusedError
  return new RefusedError(`${refused.message}: ${permissionFor(request)}`, { cause: error })
}

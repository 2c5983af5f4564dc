// The connection of a simulated process to a simulated etcd, in the place of etcd/wire/client.ts. Owns no rules.
import type { ITxnRequest, ITxnResponse } from 'etcd3'
import type { KeyRange, Transport, WatchListener } from '../../backends/etcd/wire/transport.ts'
import { UnavailableError } from '../../base/errors.ts'
import type { Network } from '../network.ts'
import type { SimProcess } from '../process.ts'
import type { SimEtcd, WatchMessage } from './server.ts'

/** One client's connection. Requests are counted, so that budgets can be checked. */
export class SimEtcdTransport implements Transport {
  readonly #network: Network
  readonly #process: SimProcess
  readonly #server: SimEtcd
  #closed = false
  /** The leases that this connection asked for. */
  readonly leases: Set<string> = new Set()
  /**
   * Whether its member is a former leader that still believes to lead: then the renewal of any lease succeeds, and every
   * other request fails.
   */
  atStaleLeader = false
  requests = 0
  watches = 0

  constructor(network: Network, process: SimProcess, server: SimEtcd) {
    this.#network = network
    this.#process = process
    this.#server = server
  }

  txn(request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse> {
    return this.#ask(() => this.#server.txn(request), signal)
  }

  grant(lease: string, ttlSeconds: number, signal: AbortSignal): Promise<number> {
    this.leases.add(lease)
    return this.#ask(() => this.#server.grant(lease, ttlSeconds), signal)
  }

  keepAlive(lease: string, signal: AbortSignal): Promise<void> {
    const renew = (): void => (this.atStaleLeader ? undefined : this.#server.keepAlive(lease))
    return this.#carry(renew, signal)
  }

  revoke(lease: string, signal: AbortSignal): Promise<void> {
    return this.#ask(() => this.#server.revoke(lease), signal)
  }

  timeToLive(lease: string, signal: AbortSignal): Promise<number | undefined> {
    return this.#ask(() => this.#server.timeToLive(lease), signal)
  }

  watch({ key, end }: KeyRange, listener: WatchListener): () => void {
    this.watches += 1
    const receive = (message: WatchMessage): void => {
      if ('created' in message) listener.created(message.created)
      else if ('written' in message) listener.written?.(message.written)
      else listener.deleted(message.deleted)
    }
    const open = (channel: Parameters<SimEtcd['watch']>[1]): (() => void) =>
      this.#server.watch({ key, end, writes: listener.written !== undefined }, channel)
    return this.#network.stream(this.#process, this.#server.host, open, receive, () => listener.failed())
  }

  close(): void {
    this.#closed = true
  }

  #ask<T>(serve: () => T, signal: AbortSignal): Promise<T> {
    const answer = (): T => {
      if (this.atStaleLeader) throw new UnavailableError('etcd: there is no leader')
      return serve()
    }
    return this.#carry(answer, signal)
  }

  async #carry<T>(serve: () => T, signal: AbortSignal): Promise<T> {
    if (this.#closed) throw new UnavailableError('etcd: the connection was closed')
    this.requests += 1
    return this.#network.request(this.#process, this.#server.host, serve, signal)
  }
}

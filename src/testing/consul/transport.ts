// The connection of a simulated process to a simulated Consul, in the place of consul/wire/client.ts. Owns no rules.
import type {
  Operation,
  SessionPlan,
  Snapshot,
  Target,
  Transport,
  TxnOutcome,
  Wait,
} from '../../backends/consul/wire/transport.ts'
import { UnavailableError } from '../../base/errors.ts'
import type { Announcement } from '../../contract.ts'
import type { Network } from '../network.ts'
import type { SimProcess } from '../process.ts'
import type { SimConsul } from './server.ts'

/** One client's connection. Requests are counted, so that budgets can be checked. */
export class SimConsulTransport implements Transport {
  readonly #network: Network
  readonly #process: SimProcess
  readonly #server: SimConsul
  #closed = false
  /** The sessions that were opened over this connection. */
  readonly sessions: Set<string> = new Set()
  requests = 0
  /**
   * Whether its server is a former leader that still believes to lead: then the renewal of any session succeeds, blocking
   * reads are answered from its copy, which does not change, and every other request fails.
   */
  atStaleLeader = false

  constructor(network: Network, process: SimProcess, server: SimConsul) {
    this.#network = network
    this.#process = process
    this.#server = server
  }

  createSession(plan: SessionPlan, signal: AbortSignal): Promise<string> {
    const create = (): string => {
      const id = this.#server.createSession(plan)
      this.sessions.add(id)
      return id
    }
    return this.#ask(create, signal)
  }

  renewSession(session: string, signal: AbortSignal): Promise<void> {
    const renew = (): void => (this.atStaleLeader ? undefined : this.#server.renewSession(session))
    return this.#carry(renew, signal)
  }

  confirmSession(session: string, signal: AbortSignal): Promise<string> {
    return this.#ask(() => this.#server.confirmSession(session), signal)
  }

  listSessions(node: string, signal: AbortSignal): Promise<readonly string[]> {
    return this.#ask(() => this.#server.listSessions(node), signal)
  }

  destroySession(session: string, signal: AbortSignal): Promise<void> {
    return this.#ask(() => this.#server.destroySession(session), signal)
  }

  txn(operations: readonly Operation[], signal: AbortSignal): Promise<TxnOutcome> {
    return this.#ask(() => this.#server.txn(operations), signal)
  }

  read(target: Target, signal: AbortSignal): Promise<Snapshot> {
    return this.#ask(() => this.#server.read(target), signal)
  }

  block(target: Target, wait: Wait, signal: AbortSignal): Promise<Snapshot> {
    return this.#carry(() => this.#server.block(target, wait, this.atStaleLeader), signal)
  }

  registerService(service: Announcement, signal: AbortSignal): Promise<void> {
    return this.#carry(() => this.#server.registerService(service), signal)
  }

  passCheck(service: string, signal: AbortSignal): Promise<boolean> {
    return this.#carry(() => this.#server.passCheck(service), signal)
  }

  deregisterService(service: string, signal: AbortSignal): Promise<void> {
    return this.#carry(() => this.#server.deregisterService(service), signal)
  }

  close(): void {
    this.#closed = true
  }

  #ask<T>(serve: () => T | Promise<T>, signal: AbortSignal): Promise<T> {
    const answer = (): T | Promise<T> => {
      if (this.atStaleLeader) throw new UnavailableError('consul: node is not the leader')
      return serve()
    }
    return this.#carry(answer, signal)
  }

  async #carry<T>(serve: () => T | Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#closed) throw new UnavailableError('consul: the connection was closed')
    this.requests += 1
    return this.#network.request(this.#process, this.#server.host, serve, signal)
  }
}

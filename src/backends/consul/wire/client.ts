// Requests over HTTP, one server at a time. Owns the choice of the server, the time limits, and the meaning of an error;
// knows nothing of locks. servers.ts has the connections.
import { untilAborted } from '../../../base/abort.ts'
import type { Clock } from '../../../base/clock.ts'
import { SessionGoneError, UnavailableError } from '../../../base/errors.ts'
import type { Announcement } from '../../../contract.ts'
import { type Answer, asFault, Fault } from './answers.ts'
import { blocking, type Connection, type Request, reading, transaction, understood } from './requests.ts'
import { Rest } from './rest.ts'
import type { Server } from './servers.ts'
import { checkPass, serviceDeregistration, serviceRegistration } from './services.ts'
import { confirmation, creation, destruction, renewal, sessionList } from './sessions.ts'
import type { Operation, SessionPlan, Snapshot, Target, Transport, TxnOutcome, Wait } from './transport.ts'

/** A request under way. */
interface Call {
  readonly connection: Connection
  readonly waits: boolean
  fail(reason: unknown): void
}

const closedText = 'the connection was closed'

/** A connection to a cluster. */
export class ConsulClient implements Transport {
  readonly #clock: Clock
  readonly #servers: readonly Server[]
  readonly #calls = new Set<Call>()
  #current = 0
  #closed = false
  #connected: Connection | undefined
  readonly #rest: Rest

  constructor(clock: Clock, servers: readonly Server[]) {
    this.#clock = clock
    this.#rest = new Rest(clock)
    this.#servers = servers
  }

  async createSession(plan: SessionPlan, signal: AbortSignal): Promise<string> {
    return this.#ask(creation(plan, this.#connection.shown.query.dc), signal)
  }

  renewSession(session: string, signal: AbortSignal): Promise<void> {
    return this.#ask(renewal(session), signal)
  }

  confirmSession(session: string, signal: AbortSignal): Promise<string> {
    return this.#ask(confirmation(session), signal)
  }

  listSessions(node: string, signal: AbortSignal): Promise<readonly string[]> {
    return this.#ask(sessionList(node), signal)
  }

  async destroySession(session: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#ask(destruction(session), signal)
    } catch (error) {
      if (!(error instanceof SessionGoneError)) throw error
    }
  }

  txn(operations: readonly Operation[], signal: AbortSignal, purpose?: 'gives back'): Promise<TxnOutcome> {
    return this.#ask(transaction(operations, purpose ? 'release' : 'work'), signal)
  }

  read(target: Target, signal: AbortSignal): Promise<Snapshot> {
    return this.#ask(reading(target), signal)
  }

  block(target: Target, wait: Wait, signal: AbortSignal): Promise<Snapshot> {
    return this.#ask(blocking(target, wait), signal)
  }

  async registerService(service: Announcement, signal: AbortSignal): Promise<void> {
    await this.#ask(serviceRegistration(service), signal)
  }

  passCheck(service: string, signal: AbortSignal): Promise<boolean> {
    return this.#ask(checkPass(service), signal)
  }

  async deregisterService(service: string, signal: AbortSignal): Promise<void> {
    await this.#ask(serviceDeregistration(service), signal)
  }

  close(): void {
    this.#closed = true
    this.#disconnect()
    for (const call of [...this.#calls]) call.fail(new Fault(UnavailableError, closedText))
  }

  get #server(): Server {
    return this.#servers[this.#current % this.#servers.length] as Server
  }

  get #connection(): Connection {
    if (this.#closed) throw new UnavailableError(`consul at ${this.#server.address}: ${closedText}`)
    this.#connected ??= this.#server.connect(this.#clock)
    return this.#connected
  }

  #disconnect(): void {
    this.#connected?.retire()
    this.#connected = undefined
  }

  /**
   * Sends a request and translates its errors. After a server that did not answer, the next request goes to the next
   * one.
   */
  async #ask<T>(request: Request<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    if (this.#rest.isAsked) await this.#rest.over(signal)
    const connection = this.#connection
    const server = this.#server
    const { address } = server
    try {
      return understood(request, await this.#send(connection, request, signal), connection.shown.secrets)
    } catch (error) {
      const ended = signal.aborted && Object.is(error, signal.reason)
      if (ended && !(error instanceof UnavailableError)) throw error // the caller's own reason, whatever it is
      const fault = asFault(error)
      if (fault.status === 403 && server.hasNewToken?.(connection.shown)) {
        if (connection === this.#connected) this.#disconnect()
        return this.#ask(request, signal) // a request that was refused had no effect
      }
      this.#rest.ask(fault.restMs)
      const busy = fault.status === 429 // it is there, and a new connection would be one more
      const away = fault.meaning === UnavailableError && !busy
      if (away && connection === this.#connected) this.#moveOn(fault)
      throw new fault.meaning(`consul at ${address}: ${fault.message}`, { cause: fault.cause ?? fault })
    }
  }

  #send<T>(connection: Connection, request: Request<T>, signal: AbortSignal): Promise<Answer> {
    const { limitMs, waits = false } = request
    return untilAborted(signal, (settle) => {
      const call: Call = { connection, waits, fail: settle.reject }
      const cancel = connection.send(request, settle)
      const stopTimer = this.#clock.after(limitMs, () => settle.reject(silence(limitMs)))
      this.#calls.add(call)
      return () => {
        stopTimer()
        this.#calls.delete(call)
        cancel()
      }
    })
  }

  /**
   * Goes on with the next server and a new connection. This helps with a single server, too. Requests on the old
   * connection may still be answered. But if the server fell silent, its blocking reads fail now, since they would miss
   * changes. So would those of a server that is cut off from the others: it answers 500, and there is another one to ask.
   */
  #moveOn({ cause, status }: Fault): void {
    const left = this.#connected
    this.#disconnect()
    this.#current += 1
    const reason = cause ?? new Fault(UnavailableError, 'the server has no leader')
    const isCutOff = status === 500 && this.#servers.length > 1
    if (!isCutOff && !(cause instanceof UnavailableError)) return
    for (const call of [...this.#calls]) if (call.connection === left && call.waits) call.fail(reason)
  }
}

function silence(limitMs: number): UnavailableError {
  return new UnavailableError(`no answer within ${Math.round(limitMs)} ms`)
}

// The one session that all holds of a client share, and the next one after a loss. Decides when a session is opened, and
// lets all callers share that request. session.ts keeps the session alive.
import { orAborted } from '../base/abort.ts'
import { type Clock, pause } from '../base/clock.ts'
import { RefusedError, UnavailableError } from '../base/errors.ts'
import { type Ending, Scope } from '../base/scope.ts'
import type { Backend } from '../contract.ts'
import type { Origin } from './events.ts'
import { Gate } from './gate.ts'
import { coveredMs, openingMs, requestMs } from './lifetime.ts'
import { Limits } from './limits.ts'
import { backoffMs, persist, type RequestOptions, requestOptions, rethrow, timeout } from './request.ts'
import { Rounds } from './rounds.ts'
import { Session } from './session.ts'

/** The one session of a client: opened when it is first needed, and again after a loss. */
export class Sessions {
  readonly #backend: Backend
  readonly clock: Clock
  /** The client, as its events name it. */
  readonly origin: Origin
  readonly ttlMs: number
  readonly coveredMs: number
  /** Ends when the client is closed. */
  readonly closing: Scope = new Scope()
  /** All requests of the client pass through it, except those about the session. */
  readonly gate: Gate | undefined
  /** The time limits of all requests of the client. */
  readonly limits: Limits
  /** When holds are verified. */
  readonly looks: Rounds
  #opening: Promise<void> | undefined
  #session: Session | undefined
  #openFailure: unknown

  constructor(backend: Backend, { clock, store, ttlMs }: Pick<Beginning, 'clock' | 'store' | 'ttlMs'>) {
    this.#backend = backend
    this.clock = clock
    this.origin = { store, client: {} }
    this.ttlMs = ttlMs
    this.coveredMs = coveredMs(ttlMs, backend.facts)
    const { requestsAtOnce } = backend.facts
    this.limits = new Limits(clock, backend.facts)
    this.gate = requestsAtOnce === undefined ? undefined : new Gate(requestsAtOnce)
    this.looks = new Rounds(clock, ttlMs)
  }

  /** The session, if there is one that is not over. */
  get live(): Session | undefined {
    return this.#session?.over ? undefined : this.#session
  }

  /** How long ago the last request was sent, in ms, by which the store confirmed a session; undefined if there was none. */
  get answerAgeMs(): number | undefined {
    return this.#session?.answerAgeMs
  }

  /** Why the last request to open or renew a session failed; undefined if it did not. */
  get failure(): unknown {
    return this.#openFailure ?? this.#session?.failure
  }

  /**
   * A session that is not over. Costs one request when there is none. Rejects as a request does, and with the reason of
   * the scope; if that is `timeout`, with an UnavailableError. If the store does not answer, a caller that `insists` tries
   * until its scope ends; every other caller gets the UnavailableError after four tries.
   */
  current(scope: Scope, insists = false): Promise<Session> {
    return this.#untilOpen(scope, insists).catch((error) => rethrow(error, this.#openFailure))
  }

  async #untilOpen(scope: Scope, insists: boolean): Promise<Session> {
    for (let failures = 0; ; ) {
      const { live } = this
      if (live) return live
      this.#opening ??= this.#open()
      try {
        await orAborted(this.#opening, scope.signal)
      } catch (error) {
        if (scope.ended || !insists || !(error instanceof UnavailableError)) throw error
        failures += 1
        await pause(this.clock, backoffMs(this.clock, failures), scope.signal)
      }
    }
  }

  /**
   * Ends the scope of a call with `timeout` after `waitMs`. A call that does not wait, with 0, is not held up by a store that hangs for
   * longer than two requests take. If other requests of the client are under way before its own, that time counts from the last answer
   * to them; the returned function tells that its own is sent. A store that answers at once needs no limit.
   */
  limit(scope: Scope, waitMs: number | undefined): (() => void) | undefined {
    const { clock, gate } = this
    if (waitMs !== 0) scope.onTimeout(clock, waitMs, () => timeout)
    if (waitMs !== 0 || this.#backend.facts.answersAtOnce) return undefined
    const calledMs = clock.mark().monotonicMs
    let sinceMs: number | undefined
    const since = (): number => sinceMs ?? Math.max(calledMs, gate?.answeredMs ?? calledMs)
    const leftMs = (): number => since() + 2 * requestMs(this.coveredMs) - clock.mark().monotonicMs
    scope.onDeadline(clock, leftMs, () => timeout)
    return () => void (sinceMs = since())
  }

  /** Stops opening, and ends the session in the background, if there is one: for a client whose `connect` failed. */
  abandon(): void {
    this.end(new Scope()).catch(() => {}) // the store drops a session that nobody renews
  }

  /** The options of requests outside of any session. */
  request(scope: Ending): RequestOptions {
    return requestOptions(this.#backend, this, scope)
  }

  /** Whether the end of the session frees its claims, so that they need no request. */
  get endFreesAll(): boolean {
    return this.#backend.facts.endFreesAll === true
  }

  /** Ends the session, if there is one, but not before this turn is over. Rejects as a request does: see `Session.end`. */
  async end(scope: Scope, insists = false): Promise<void> {
    this.closing.end(new DOMException('the session was ended', 'AbortError'))
    this.looks.stop()
    this.limits.close()
    await this.#opening?.catch(() => {})
    await this.#session?.end(scope, insists)
  }

  /** Opens a session for all waiting callers, so no single caller's signal ends the request. The next call tries anew. */
  async #open(): Promise<void> {
    const request = this.request(this.closing)
    const options = { ...request, gate: undefined, requestMs: request.requestMs && openingMs, retries: 3 }
    try {
      this.#session = await persist(options, 'createSession', async (signal) => {
        const sent = this.clock.mark()
        const grant = await this.#backend.createSession(this.ttlMs, signal).catch((error) => {
          this.#openFailure = error
          throw error
        })
        return new Session(this.#backend, grant, sent, this)
      })
      this.#openFailure = undefined
    } finally {
      this.#opening = undefined
    }
  }
}

/** The needs of the first session. */
export interface Beginning {
  readonly clock: Clock
  /** The URL of the store, without secrets. */
  readonly store: string
  readonly ttlMs: number
  readonly waitMs: number | undefined
  readonly scope: Scope
  /** Whether a refused session is no error. */
  readonly mayLackSession: boolean
}

/** The sessions of a client, the first of which is open. Rejects as a request does, and with the reason of the scope. */
export async function begun(backend: Backend, beginning: Beginning): Promise<Sessions> {
  const { waitMs, scope, mayLackSession } = beginning
  const sessions = new Sessions(backend, beginning)
  try {
    await sessions.current(scope, waitMs !== 0)
    return sessions
  } catch (error) {
    if (mayLackSession && error instanceof RefusedError) return sessions
    sessions.abandon()
    throw error
  }
}

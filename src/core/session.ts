// What keeps a client alive in the store, and when it must consider itself gone. Owns the deadline, the renewals
// and the one shared session of a client; knows nothing of names, lines or locks.

import { orAborted } from '../base/abort.ts'
import { type Clock, type Mark, mostElapsedMs, pause } from '../base/clock.ts'
import { HoldLostError, SessionGoneError } from '../base/errors.ts'
import { type Ending, Scope } from '../base/scope.ts'
import type { Backend, SessionGrant } from '../contract.ts'
import { backoffMs, once, persist, type RequestOptions } from './request.ts'

/**
 * How much earlier than the store a client gives up, so that what it still does in good faith arrives before the
 * next holder starts, and clocks of different rates do not matter: a tenth of the time to live, at least 250 ms.
 */
export function marginMs(ttlMs: number): number {
  return Math.max(250, ttlMs / 10)
}

/** How long one request may take: three of them fit into the life of a session, and 3 s are always enough. */
export function requestMs(ttlMs: number): number {
  return Math.min(3_000, (ttlMs - marginMs(ttlMs)) / 3)
}

/** How long before the deadline work is asked to stop, in ms, if nobody says: a fifth of the time to live. */
export function stopBeforeDefaultMs(ttlMs: number): number {
  return ttlMs / 5
}

/**
 * The most of that, in ms: half of the way from a renewal to the deadline. The next renewal is sent after a third of the
 * time to live, and has to be answered before the work is asked to stop.
 */
export function stopBeforeMostMs(ttlMs: number): number {
  return (ttlMs - marginMs(ttlMs)) / 2
}

/** How a request is made to this store, by a client whose session has this time to live. */
function requestOptions(backend: Backend, clock: Clock, ttlMs: number, scope: Ending): RequestOptions {
  return { clock, scope, requestMs: backend.facts.answersAtOnce ? undefined : requestMs(ttlMs) }
}

/** A session as its client sees it: alive until a deadline that only an answered renewal moves. */
export class Session {
  readonly id: string
  readonly ttlMs: number
  /**
   * Ends with the session, with a HoldLostError as the reason if it was lost. It is told by a timer: where time may have
   * passed read `over` first, which looks at the clock.
   */
  readonly ending: Ending
  /** How requests about the session and its claims are made, when nothing but its end cuts them short. */
  readonly requests: RequestOptions
  readonly #backend: Backend
  readonly #clock: Clock
  readonly #ended = new Scope()
  readonly #lifeMs: number
  #sent: Mark
  #failure: unknown
  #failures = 0
  #cancelAlarm = (): void => {}

  /** `sent` is the instant before the request that created the session left. */
  constructor(backend: Backend, clock: Clock, grant: SessionGrant, sent: Mark) {
    this.#backend = backend
    this.#clock = clock
    this.id = grant.id
    this.ttlMs = grant.ttlMs
    this.#lifeMs = grant.ttlMs - marginMs(grant.ttlMs)
    this.ending = this.#ended
    this.requests = requestOptions(backend, clock, grant.ttlMs, this.#ended)
    this.#sent = sent
    this.#setAlarm()
    this.#keepRenewing().catch(() => {}) // it rejects only when it was stopped
  }

  /** Time to the deadline in ms, computed now; 0 when the session is over. */
  get remainingMs(): number {
    const leftMs = this.#lifeLeftMs()
    if (leftMs <= 0) this.#finish(this.#expired())
    return this.#ended.ended ? 0 : leftMs
  }

  /** Whether the session ended, was lost, or reached its deadline, computed now. It never comes back. */
  get over(): boolean {
    return this.remainingMs === 0
  }

  /** Takes note that the store no longer knows the session. */
  lose(cause: SessionGoneError): void {
    this.#finish(new HoldLostError(`hold lost: ${cause.message}`, { cause }))
  }

  /** Stops the renewals and ends the session in the store. Rejects as a request does. */
  async end(scope: Scope): Promise<void> {
    this.#finish(new DOMException('the session was ended', 'AbortError'))
    await this.#destroy(scope)
  }

  #destroy(scope: Scope): Promise<void> {
    return once({ ...this.requests, scope }, (signal) => this.#backend.destroySession(this.id, signal))
  }

  #lifeLeftMs(): number {
    return this.#lifeMs - mostElapsedMs(this.#sent, this.#clock.mark())
  }

  async #keepRenewing(): Promise<void> {
    const { signal } = this.#ended
    while (!this.#ended.ended) {
      const restMs = (this.ttlMs / 3) * (1 - this.#clock.random() / 10)
      await pause(this.#clock, this.#failures ? backoffMs(this.#clock, this.#failures) : restMs, signal)
      // Computing it tells a loss that no alarm has told yet: a machine that sleeps stops its timers, too.
      if (!this.over) await this.#renew()
    }
  }

  async #renew(): Promise<void> {
    const sent = this.#clock.mark()
    try {
      await once(this.requests, (signal) => this.#backend.renewSession(this.id, signal))
      this.#sent = sent
      this.#failures = 0
    } catch (error) {
      this.#failure = error
      this.#failures += 1
      if (error instanceof SessionGoneError) this.lose(error)
    }
  }

  /** Wakes at the deadline; a renewal meanwhile does not touch the timer, which then goes on to the new one. */
  #setAlarm(): void {
    this.#cancelAlarm = this.#clock.after(Math.max(1, this.#lifeLeftMs()), () => {
      if (!this.over) this.#setAlarm()
    })
  }

  #finish(reason: Error): void {
    if (this.#ended.ended) return
    this.#cancelAlarm()
    // If the store still counts the session, freeing it now saves the others the rest of the time to live.
    if (reason instanceof HoldLostError) this.#destroy(new Scope()).catch(() => {})
    this.#ended.end(reason)
  }

  #expired(): HoldLostError {
    const message = `not renewed for ${this.ttlMs} ms less a margin of ${marginMs(this.ttlMs)} ms`
    return new HoldLostError(`hold lost: ${message}`, { cause: this.#failure })
  }
}

/** The one session of a client: opened when first needed, and again after a loss. */
export class Sessions {
  readonly #backend: Backend
  readonly #clock: Clock
  readonly ttlMs: number
  readonly #closing = new Scope()
  #opening: Promise<void> | undefined
  #session: Session | undefined

  constructor(backend: Backend, clock: Clock, ttlMs: number) {
    this.#backend = backend
    this.#clock = clock
    this.ttlMs = ttlMs
  }

  /** The session, if there is one that is not over. */
  get live(): Session | undefined {
    return this.#session?.over ? undefined : this.#session
  }

  /** A session that is not over. Costs one request when there is none. Rejects as a request does. */
  async current(scope: Scope): Promise<Session> {
    while (!this.#session || this.#session.over) {
      this.#opening ??= this.#open()
      await orAborted(this.#opening, scope.signal)
    }
    return this.#session
  }

  /** How requests outside of any session are made. */
  request(scope: Ending): RequestOptions {
    return requestOptions(this.#backend, this.#clock, this.ttlMs, scope)
  }

  /** Ends the session, if there is one. Rejects as a request does. */
  async end(scope: Scope): Promise<void> {
    this.#closing.end(new DOMException('the session was ended', 'AbortError'))
    await this.#opening?.catch(() => {})
    await this.#session?.end(scope)
  }

  /** Opens for everyone who waits, so no single waiter's signal may end it. A failure is not kept. */
  async #open(): Promise<void> {
    const options = { ...this.request(this.#closing), retries: 3 }
    try {
      this.#session = await persist(options, async (signal) => {
        const sent = this.#clock.mark()
        const grant = await this.#backend.createSession(this.ttlMs, signal)
        return new Session(this.#backend, this.#clock, grant, sent)
      })
    } finally {
      this.#opening = undefined
    }
  }
}

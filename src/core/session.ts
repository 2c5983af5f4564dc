// What keeps a client alive in the store, and when it must consider itself gone. Owns the deadline, the renewals
// and the one shared session of a client; knows nothing of names, lines or locks.

import { orAborted } from '../base/abort.ts'
import { type Clock, type Mark, mostElapsedMs, pause } from '../base/clock.ts'
import { HoldLostError, SessionGoneError } from '../base/errors.ts'
import { type Ending, Scope } from '../base/scope.ts'
import type { Backend, Claim, SessionGrant } from '../contract.ts'
import { coveredMs, marginMs, renewalMs, requestMs, usualRenewalMs } from './lifetime.ts'
import { backoffMs, once, persist, type RequestOptions } from './request.ts'

/** How a request is made to this store, by a client whose session is covered for so long. */
function requestOptions(backend: Backend, clock: Clock, coveredMs: number, scope: Ending): RequestOptions {
  return { clock, scope, requestMs: backend.facts.answersAtOnce ? undefined : requestMs(coveredMs) }
}

/** Hears that a hold is lost, and why. */
export type Lose = (reason: Error) => void

/** A session as its client sees it: alive until a deadline that only an answered renewal moves. */
export class Session {
  readonly id: string
  readonly ttlMs: number
  /** How long nobody else can hold after the store has confirmed this session. */
  readonly coveredMs: number
  /**
   * Ends with the session, with a HoldLostError as the reason if it was lost. It is told by a timer: where time may have
   * passed read `over` first, which looks at the clock.
   */
  readonly ending: Ending
  /** How requests about the session and its claims are made, when nothing but its end cuts them short. */
  readonly requests: RequestOptions
  readonly #backend: Backend
  readonly #clock: Clock
  readonly #closing: Ending
  readonly #ended = new Scope()
  readonly #holds = new Map<Claim, Lose>()
  readonly #lifeMs: number
  /** When the last question was sent to which the store answered that the session is there. */
  #sent: Mark
  #claimsLost = 0
  #failure: unknown
  #failures = 0
  #cancelAlarm = (): void => {}

  /** `sent` is the instant before the request that created the session left; `closing` ends with the client. */
  constructor(backend: Backend, clock: Clock, grant: SessionGrant, sent: Mark, closing: Ending) {
    this.#backend = backend
    this.#clock = clock
    this.#closing = closing
    this.id = grant.id
    this.ttlMs = grant.ttlMs
    this.coveredMs = coveredMs(grant.ttlMs, backend.facts)
    this.#lifeMs = this.coveredMs - marginMs(this.coveredMs)
    this.ending = this.#ended
    this.requests = requestOptions(backend, clock, this.coveredMs, this.#ended)
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

  /** How many claims were lost although the session lived on. An answer to one that was asked before may be out of date. */
  get claimsLost(): number {
    return this.#claimsLost
  }

  /** Calls `lose` when the session ends, or when the store tells that this claim ended. The function returned forgets it. */
  guard(claim: Claim, lose: Lose): () => void {
    this.#holds.set(claim, lose)
    const forget = this.#ended.onEnd((reason) => lose(reason as Error))
    return () => {
      this.#holds.delete(claim)
      forget()
    }
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
    const everyMs = renewalMs(this.ttlMs, this.#backend.facts)
    while (!this.#ended.ended) {
      const restMs = everyMs * (1 - this.#clock.random() / 10)
      await pause(this.#clock, this.#failures ? backoffMs(this.#clock, this.#failures) : restMs, signal)
      // Computing it tells a loss that no alarm has told yet: a machine that sleeps stops its timers, too.
      if (!this.over && this.#isDue(everyMs)) await this.#renew()
    }
  }

  /** Without holds nothing has to outlive an election. */
  #isDue(everyMs: number): boolean {
    if (this.#holds.size > 0 || this.#failures > 0) return true
    const usualMs = usualRenewalMs(this.ttlMs, this.#backend.facts)
    return mostElapsedMs(this.#sent, this.#clock.mark()) + everyMs > usualMs
  }

  async #renew(): Promise<void> {
    const sent = this.#clock.mark()
    try {
      const renewal = await once(this.requests, (signal) => this.#backend.renewSession(this.id, signal))
      for (const claim of renewal.lost) this.#loseClaim(claim)
      this.#sent = sent
      this.#failures = 0
    } catch (error) {
      this.#failure = error
      this.#failures += 1
      if (error instanceof SessionGoneError) this.lose(error)
    }
  }

  #loseClaim(claim: Claim): void {
    this.#claimsLost += 1
    const name = JSON.stringify(claim.name)
    this.#holds.get(claim)?.(
      new HoldLostError(`hold lost: the store ended the session of this permit of ${name}`),
    )
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
    if (reason instanceof HoldLostError) this.#destroyLost().catch(() => {})
    this.#ended.end(reason)
  }

  /** Asks until the store answers, or has ended the session by itself: after twice its time to live all stores have. */
  async #destroyLost(): Promise<void> {
    const scope = new Scope()
      .on(this.#closing)
      .onTimeout(this.#clock, 2 * this.ttlMs, () => 'the store has ended it')
    try {
      const request = { ...this.requests, scope, retries: Infinity }
      await persist(request, (signal) => this.#backend.destroySession(this.id, signal))
    } finally {
      scope.lift()
    }
  }

  #expired(): HoldLostError {
    const message = `not renewed for ${this.coveredMs} ms less a margin of ${marginMs(this.coveredMs)} ms`
    return new HoldLostError(`hold lost: ${message}`, { cause: this.#failure })
  }
}

/** The one session of a client: opened when first needed, and again after a loss. */
export class Sessions {
  readonly #backend: Backend
  readonly #clock: Clock
  readonly ttlMs: number
  readonly coveredMs: number
  readonly #closing = new Scope()
  #opening: Promise<void> | undefined
  #session: Session | undefined

  constructor(backend: Backend, clock: Clock, ttlMs: number) {
    this.#backend = backend
    this.#clock = clock
    this.ttlMs = ttlMs
    this.coveredMs = coveredMs(ttlMs, backend.facts)
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
  request(scope: Scope): RequestOptions {
    return requestOptions(this.#backend, this.#clock, this.coveredMs, scope)
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
        return new Session(this.#backend, this.#clock, grant, sent, this.#closing)
      })
    } finally {
      this.#opening = undefined
    }
  }
}

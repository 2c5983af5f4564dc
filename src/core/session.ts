// Keeps a session alive in the store, and decides when its client must consider it dead. Owns the deadline and the
// renewals; knows no names, lines or locks. sessions.ts opens sessions.
import { orAborted } from '../base/abort.ts'
import { type Clock, leastElapsedMs, type Mark, mostElapsedMs, pause } from '../base/clock.ts'
import { HoldLostError, SessionGoneError } from '../base/errors.ts'
import { type Ending, Scope } from '../base/scope.ts'
import type { Backend, Claim, SessionGrant } from '../contract.ts'
import { expired, permitEnded } from './hold-errors.ts'
import { coveredMs, marginMs, renewalMs, usualRenewalMs } from './lifetime.ts'
import { backoffMs, once, persist, type RequestOptions, requestOptions, rethrow } from './request.ts'

/** Called when a hold is lost, with the reason. */
export type Lose = (reason: Error) => void

/** The parts that all sessions of a client share. `closing` ends with the client. */
type Shared = Pick<RequestOptions, 'gate'> & { readonly closing: Ending }

/** A session as its client sees it: alive until a deadline that only an answered renewal moves. */
export class Session {
  readonly id: string
  readonly ttlMs: number
  /** The covered time: how long no other client can hold after the store last confirmed this session. */
  readonly coveredMs: number
  /**
   * Ends with the session. If the session was lost, the reason is a HoldLostError. A timer ends it, and timers can be
   * late: after a pause read `over` first, which looks at the clock.
   */
  readonly ending: Ending
  /**
   * How many claims were lost while the session lived on. An answer that was asked for before the last of these may be
   * out of date.
   */
  claimsLost = 0
  /** The options of requests about its claims. Only the end of the session ends them early. */
  readonly requests: RequestOptions
  /** The same, repeated until the store answers or the session is over. */
  readonly insisting: RequestOptions
  /** The same for requests about the session, which wait for no other request. */
  readonly #own: RequestOptions
  readonly #backend: Backend
  readonly #clock: Clock
  readonly #closing: Ending
  readonly #ended = new Scope()
  readonly #holds = new Map<Claim, Lose>()
  readonly #lifeMs: number
  /** When the last request that confirmed the session was sent. */
  #sent: Mark
  /** When the session was lost, if it had holds then. */
  #lost: Mark | undefined
  /** Whether the store has answered that the lost session is ended. */
  #destroyed = false
  #failure: unknown
  #failures = 0
  /** The renewal that is under way. */
  #renewing: Promise<void> | undefined
  #cancelAlarm = (): void => {}

  /** `sent` is the instant just before the request that created the session was sent. */
  constructor(backend: Backend, clock: Clock, grant: SessionGrant, sent: Mark, { closing, gate }: Shared) {
    this.#backend = backend
    this.#clock = clock
    this.#closing = closing
    this.id = grant.id
    this.ttlMs = grant.ttlMs
    this.coveredMs = coveredMs(grant.ttlMs, backend.facts)
    this.#lifeMs = this.coveredMs - marginMs(this.coveredMs)
    this.ending = this.#ended
    this.#own = requestOptions(backend, clock, this.coveredMs, this.#ended)
    this.requests = { ...this.#own, gate }
    this.insisting = { ...this.requests, retries: Infinity }
    this.#sent = sent
    this.#setAlarm()
    this.#keepRenewing().catch(() => {}) // it rejects only when it was stopped
  }

  /** Time to the deadline in ms, computed now. 0 if the session is over. */
  get remainingMs(): number {
    const leftMs = this.#lifeLeftMs()
    if (leftMs <= 0 && !this.#ended.ended) this.#finish(expired(this.coveredMs, this.failure))
    return this.#ended.ended ? 0 : leftMs
  }

  /** Whether the session ended, was lost, or reached its deadline, computed now. A session that is over stays over. */
  get over(): boolean {
    return this.remainingMs === 0
  }

  /** Whether a hold may begin: half of the life is left, so no `stopBeforeMs` asks its work to stop at once. */
  get fresh(): boolean {
    return this.remainingMs >= this.#lifeMs / 2
  }

  /**
   * Resolves when a hold may begin: at once while renewals are answered, otherwise after a renewal that is sent now. Rejects
   * with the reason of the scope, which must end with the session; if that is `timeout`, with an UnavailableError, since the name was free.
   */
  async untilFresh(scope: Ending): Promise<void> {
    try {
      for (let renewals = 0; !this.fresh; renewals += 1) {
        scope.throwIfEnded()
        if (renewals > 0) await pause(this.#clock, backoffMs(this.#clock, renewals), scope.signal)
        await orAborted(this.#renewal(), scope.signal)
      }
    } catch (error) {
      rethrow(error, this.failure)
    }
  }

  /** How long ago the last request was sent, in ms, that the store answered with a confirmation of this session. */
  get answerAgeMs(): number {
    return mostElapsedMs(this.#sent, this.#clock.mark())
  }

  /** Why the last renewal failed; undefined if it did not. */
  get failure(): unknown {
    return this.#failures > 0 ? this.#failure : undefined
  }

  /** Calls `lose` when the session ends, or when the store reports the end of this claim. The result unsubscribes. */
  guard(claim: Claim, lose: Lose): () => void {
    this.#holds.set(claim, lose)
    if (this.#ended.ended) this.#ended.onEnd((reason) => lose(reason as Error))
    return () => this.#holds.delete(claim)
  }

  /** Ends the session because the store no longer knows it. */
  lose(cause: SessionGoneError): void {
    this.#finish(new HoldLostError(`hold lost: ${cause.message}`, { cause }))
  }

  /**
   * Stops the renewals and ends the session in the store. If the session was lost while it had holds, the store is asked
   * only when the margin is over. Asks once or, with `insists`, until the scope ends. Rejects as a request does.
   */
  async end(scope: Scope, insists: boolean): Promise<void> {
    this.#finish(new DOMException('the session was ended', 'AbortError'))
    if (this.#destroyed) return
    await this.#untilMarginIsOver(scope)
    const request = { ...this.#own, scope, retries: insists ? Infinity : 0 }
    await persist(request, (signal) => this.#backend.destroySession(this.id, signal))
  }

  #lifeLeftMs(): number {
    return this.#lifeMs - this.answerAgeMs
  }

  async #keepRenewing(): Promise<void> {
    const { signal } = this.#ended
    const everyMs = renewalMs(this.ttlMs, this.#backend.facts)
    while (!this.#ended.ended) {
      const restMs = everyMs * (1 - this.#clock.random() / 10)
      await pause(this.#clock, this.#failures ? backoffMs(this.#clock, this.#failures) : restMs, signal)
      // Reading `over` also reports a loss that no timer has reported: timers stop while a machine sleeps.
      if (!this.over && this.#isDue(everyMs)) await this.#renewal()
    }
  }

  /**
   * Whether a renewal is due. Without holds the usual time between renewals is enough: nothing has to outlive an
   * election.
   */
  #isDue(everyMs: number): boolean {
    if (this.#holds.size > 0 || this.#failures > 0) return true
    const usualMs = usualRenewalMs(this.ttlMs, this.#backend.facts)
    return this.answerAgeMs + everyMs > usualMs
  }

  /** One renewal at a time. */
  #renewal(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  async #renew(): Promise<void> {
    const sent = this.#clock.mark()
    try {
      const renewal = await once(this.#own, (signal) => this.#backend.renewSession(this.id, signal))
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
    this.claimsLost += 1
    this.#holds.get(claim)?.(permitEnded(claim.name))
  }

  /** Wakes at the deadline. A renewal does not touch the timer: at the old deadline it is set for the new one. */
  #setAlarm(): void {
    this.#cancelAlarm = this.#clock.after(Math.max(1, this.#lifeLeftMs()), () => {
      if (!this.over) this.#setAlarm()
    })
  }

  #finish(reason: Error): void {
    if (this.#ended.ended) return
    this.#cancelAlarm()
    if (reason instanceof HoldLostError) {
      if (this.#holds.size > 0) this.#lost = this.#clock.mark()
      this.#destroyLost().catch(() => {})
    }
    this.#ended.end(reason)
    for (const lose of [...this.#holds.values()]) lose(reason)
  }

  /**
   * If the session still lives in the store, ending it saves the other clients the rest of its time to live. Asks until the
   * store answers, for at most twice the time to live: by then every store has ended the session itself.
   */
  async #destroyLost(): Promise<void> {
    const scope = new Scope()
      .on(this.#closing)
      .onTimeout(this.#clock, 2 * this.ttlMs, () => 'the store has ended it')
    try {
      await this.#untilMarginIsOver(scope)
      const request = { ...this.#own, scope, retries: Infinity }
      await persist(request, (signal) => this.#backend.destroySession(this.id, signal))
      this.#destroyed = true
    } finally {
      scope.detach()
    }
  }

  /**
   * In the margin the last writes of a holder that has just stopped arrive. If requests arrive and only answers are lost,
   * ending the session sooner would let the next holder in while these writes are under way. A store with a lock-delay
   * keeps the next holder out for that time anyway.
   */
  async #untilMarginIsOver(scope: Scope): Promise<void> {
    if (!this.#lost) return
    const coverMs = this.coveredMs - leastElapsedMs(this.#sent, this.#clock.mark())
    const marginLeftMs = marginMs(this.coveredMs) - leastElapsedMs(this.#lost, this.#clock.mark())
    const leftMs = Math.min(coverMs, marginLeftMs) - this.#backend.facts.lockDelayMs
    if (leftMs > 0) await pause(this.#clock, leftMs, scope.signal)
  }
}

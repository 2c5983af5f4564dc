// Keeps a session alive in the store, and decides when its client must consider it dead. Owns the deadline and the
// renewals; knows no names, lines or locks. sessions.ts opens sessions.
import type { SessionEvent, SessionView } from '../api/events.ts'
import { orAborted } from '../base/abort.ts'
import { type Clock, type Mark, mostElapsedMs, pause } from '../base/clock.ts'
import { HoldLostError, SessionGoneError } from '../base/errors.ts'
import { type Ending, Scope } from '../base/scope.ts'
import type { Backend, Claim, Renewal, SessionGrant } from '../contract.ts'
import { type Origin, tell, tellLostSession, toldRenewal, viewOf } from './events.ts'
import { expired, permitEnded } from './hold-errors.ts'
import { coveredMs, marginMs, renewalMs, usualRenewalMs } from './lifetime.ts'
import { backoffMs, once, type RequestOptions, requestOptions, rethrow } from './request.ts'
import { SessionEnd } from './session-end.ts'

/** A hold as its session knows it. */
export interface Guarded {
  /** Called when the hold is lost, with the reason. */
  lose(reason: Error): void
  /** Called when half of its life is gone without an answer. */
  nearLoss(): void
}

/** The parts that all sessions of a client share. `closing` ends with the client. */
type Shared = Pick<RequestOptions, 'clock' | 'gate' | 'limits' | 'origin'> & { readonly closing: Ending }

/** A session as its client sees it: alive until a deadline that only an answered renewal moves. */
export class Session {
  readonly id: string
  readonly ttlMs: number
  readonly origin: Origin
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
  readonly #holds = new Map<Claim, Guarded>()
  readonly #lifeMs: number
  readonly #inStore: SessionEnd
  readonly #view: SessionView
  #sent: Mark
  #failure: unknown
  #failures = 0
  /** Whether half of the life is gone without an answer, and that was told. */
  #isNear = false
  /** The renewal that is under way. */
  #renewing: Promise<void> | undefined
  #cancelAlarm = (): void => {}

  /** `sent` is the instant just before the request that created the session was sent. */
  constructor(backend: Backend, grant: SessionGrant, sent: Mark, shared: Shared) {
    this.#backend = backend
    this.#clock = shared.clock
    this.#closing = shared.closing
    this.id = grant.id
    this.ttlMs = grant.ttlMs
    this.origin = shared.origin
    this.coveredMs = coveredMs(grant.ttlMs, backend.facts)
    this.#lifeMs = this.coveredMs - marginMs(this.coveredMs)
    this.ending = this.#ended
    const sender = { ...shared, gate: undefined, coveredMs: this.coveredMs }
    this.#own = requestOptions(backend, sender, this.#ended)
    this.requests = { ...this.#own, gate: shared.gate }
    this.insisting = { ...this.requests, retries: Infinity }
    this.#inStore = new SessionEnd(backend, this, this.#own)
    this.#view = viewOf(this)
    this.#sent = sent
    this.#setAlarm()
    this.#keepRenewing().catch(() => {}) // it rejects only when it was stopped
    tell('leasehold:session.opened', () => this.#event)
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

  /** When the last request that confirmed the session was sent. */
  get sent(): Mark {
    return this.#sent
  }

  /** How long ago the last request was sent, in ms, that the store answered with a confirmation of this session. */
  get answerAgeMs(): number {
    return mostElapsedMs(this.#sent, this.#clock.mark())
  }

  /** Why the last renewal failed; undefined if it did not. */
  get failure(): unknown {
    return this.#failures > 0 ? this.#failure : undefined
  }

  /** Until `unguard`, calls `lose` when the session ends, or when the store reports the end of this claim. */
  guard(claim: Claim, hold: Guarded): void {
    this.#holds.set(claim, hold)
    if (this.#ended.ended) this.#ended.onEnd((reason) => hold.lose(reason as Error))
  }

  /** Forgets a hold that has ended. */
  unguard(claim: Claim): void {
    this.#holds.delete(claim)
  }

  /** Ends the session because the store no longer knows it. */
  lose(cause: SessionGoneError): void {
    this.#finish(new HoldLostError(`hold lost: ${cause.message}`, { cause, loss: 'session-gone' }))
  }

  /**
   * Stops the renewals and ends the session in the store. If the session was lost while it had holds, the store is asked
   * only when the margin is over. Asks once or, with `insists`, until the scope ends. Rejects as a request does.
   */
  end(scope: Scope, insists: boolean): Promise<void> {
    this.#finish(new DOMException('the session was ended', 'AbortError'))
    return this.#inStore.ask(scope, insists)
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

  /** Whether a renewal is due. Without holds the usual time between two is enough: nothing outlives an election. */
  #isDue(everyMs: number): boolean {
    if (this.#holds.size > 0 || this.#failures > 0) return true
    const usualMs = usualRenewalMs(this.ttlMs, this.#backend.facts)
    return this.answerAgeMs + everyMs > usualMs
  }

  /** One renewal at a time. */
  #renewal(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined))
    return this.#renewing
  }

  async #renew(): Promise<void> {
    const sent = this.#clock.mark()
    try {
      const renewal = await this.#askForRenewal()
      for (const claim of renewal.lost) this.#loseClaim(claim)
      this.#sent = renewal.since ?? sent
      this.#failure = undefined
      this.#failures = renewal.since ? 1 : 0 // soon the store is asked for the other claims
      if (this.fresh) this.#isNear = false
    } catch (error) {
      if (!this.#ended.ended || this.#failures === 0) this.#failure = error // an earlier one tells more than the end
      this.#failures += 1
      if (error instanceof SessionGoneError) this.lose(error)
    }
  }

  #askForRenewal(): Promise<Renewal> {
    const ask = (): Promise<Renewal> =>
      once(this.#own, 'renewSession', (signal) => this.#backend.renewSession(this.id, signal))
    return toldRenewal(
      () => this.#event,
      ask,
      () => this.#lifeLeftMs(),
    )
  }

  get #event(): SessionEvent {
    return { ...this.origin, session: this.#view, ttlMs: this.ttlMs }
  }

  #loseClaim(claim: Claim): void {
    this.claimsLost += 1
    this.#holds.get(claim)?.lose(permitEnded(claim.name))
  }

  /** Wakes when half of the life is gone, and then at the deadline. A renewal leaves the timer, which is set anew when it fires. */
  #setAlarm(): void {
    const dueMs = this.#lifeLeftMs() - (this.#isNear ? 0 : this.#lifeMs / 2)
    this.#cancelAlarm = this.#clock.after(Math.max(1, dueMs), () => {
      if (this.over) return
      if (!this.#isNear && !this.fresh) this.#nearLoss()
      this.#setAlarm()
    })
  }

  #nearLoss(): void {
    this.#isNear = true
    for (const hold of [...this.#holds.values()]) hold.nearLoss()
  }

  #finish(reason: Error): void {
    if (this.#ended.ended) return
    this.#cancelAlarm()
    if (reason instanceof HoldLostError) this.#inStore.lost(this.#holds.size > 0, this.#closing)
    this.#ended.end(reason)
    tellLostSession(() => this.#event, reason)
    for (const hold of [...this.#holds.values()]) hold.lose(reason)
  }
}

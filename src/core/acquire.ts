// The way from a request to a hold, for every kind of lock and every store. Owns that every way out of it withdraws, and
// what close waits for; waiting is admission.ts's, order comes from the store, loss from the session.
import type { Hold } from '../api/hold.ts'
import { type Clock, pause } from '../base/clock.ts'
import { ConflictError, SessionGoneError, UnavailableError, WaitTimeoutError } from '../base/errors.ts'
import { orAborted, Scope } from '../base/scope.ts'
import type { Attempt, Backend, Claim } from '../contract.ts'
import { untilAdmitted } from './admission.ts'
import type { Grant } from './hold.ts'
import { describeLine } from './holder.ts'
import { type Leave, Lines } from './local-queue.ts'
import { backoffMs, persist } from './request.ts'
import { requestMs, type Session, type Sessions } from './session.ts'

/** What a caller wants of a name. */
export interface Wish<H extends Hold = Hold> {
  readonly name: string
  readonly permits: number
  readonly value: string
  /** Whether others observe who holds: see `Claim`. */
  readonly candidate: boolean
  /** Whether work that `accompany` was told of gives the hold back when the client is closed: it takes its time. */
  readonly releasesItself?: boolean
  /** Makes what the caller gets. */
  readonly make: (grant: Grant) => H
  /** Whether to stand in line. Without it the answer is undefined when the name is not free. */
  readonly wait: boolean
  readonly waitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Hears how many stand ahead, whenever that changes. */
  readonly onWait?: ((ahead: number) => void) | undefined
}

/** Turns wishes into holds. One per client. */
export class Acquirer {
  /** Ends when the client is closed. */
  readonly closing: Scope = new Scope()
  readonly #backend: Backend
  readonly #clock: Clock
  readonly #sessions: Sessions
  readonly #lines = new Lines()
  readonly #pending = new Set<Promise<unknown>>()
  readonly #holds = new Set<Hold>()
  readonly #withdrawals = new Set<Promise<void>>()
  readonly #works = new Set<Promise<unknown>>()
  readonly #attended = new Set<Hold>()
  #claims = 0

  constructor(backend: Backend, clock: Clock, sessions: Sessions) {
    this.#backend = backend
    this.#clock = clock
    this.#sessions = sessions
  }

  /**
   * Waits for the caller's turn and resolves with a hold that is held at that moment, or, without `wait`, with
   * undefined. Rejects with WaitTimeoutError, `signal.reason`, UnavailableError, ConflictError or RefusedError;
   * the caller then holds nothing. A claim whose session is lost while it waits goes to the end of the line.
   */
  acquire<H extends Hold>(wish: Wish<H>): Promise<H | undefined> {
    const acquired = this.#acquire(wish).finally(() => this.#pending.delete(acquired))
    this.#pending.add(acquired)
    return acquired
  }

  async #acquire<H extends Hold>(wish: Wish<H>): Promise<H | undefined> {
    const scope = new Scope()
      .on(this.closing)
      .onSignal(wish.signal)
      .onTimeout(this.#clock, wish.waitMs, () => timeout)
    try {
      scope.throwIfEnded()
      return await this.#inTurn(wish, scope)
    } catch (error) {
      if (error === timeout) throw await this.notFree(wish)
      throw error
    } finally {
      scope.lift()
    }
  }

  /** Lets `close` wait for work that ends by itself when `closing` does, and keep its hold until then. */
  awaitOnClose<T>(work: Promise<T>): Promise<T> {
    const ended = work.catch(() => {}).then(() => void this.#works.delete(ended))
    this.#works.add(ended)
    return work
  }

  /**
   * Ends all that is under way: pending acquires reject, holds are released, accompanied work ends, and then the
   * session. Bounded by that work's grace and about the time of two requests; what the store did not hear by then
   * it drops when the session's time to live is over.
   */
  async close(): Promise<void> {
    this.closing.end(new DOMException('the Leasehold client was closed', 'AbortError'))
    const released = Promise.allSettled([...this.#holds].map((hold) => hold.release()))
    await Promise.all(this.#works)
    const scope = new Scope().onTimeout(this.#clock, 2 * requestMs(this.#sessions.ttlMs), tooLong)
    const givenBack = Promise.allSettled([...this.#attended].map((hold) => hold.release()))
    // Each of these has just been told to end, and withdraws only now.
    const withdrawn = Promise.allSettled(this.#pending).then(() => Promise.allSettled(this.#withdrawals))
    await orAborted(Promise.all([released, givenBack, withdrawn]), scope.signal).catch(() => {})
    await this.#sessions.end(scope).catch(() => {})
    scope.lift()
  }

  async #inTurn<H extends Hold>(wish: Wish<H>, scope: Scope): Promise<H | undefined> {
    const leave = await this.#lines.enter(wish.name, wish.permits, wish.wait, scope)
    if (!leave) return undefined
    for (let lost = 0; ; lost += 1) {
      const session = (lost === 0 && this.#sessions.live) || (await this.#session(scope, leave, lost))
      const outcome = await this.#stand(wish, session, leave, scope)
      if (outcome !== 'session over') return outcome
    }
  }

  /** A session to stand in line with. One that is lost at once, again and again, is not followed by the next at once. */
  async #session(scope: Scope, leave: Leave, lost: number): Promise<Session> {
    try {
      if (lost > 1) await pause(this.#clock, backoffMs(this.#clock, lost - 1), scope.signal)
      return await this.#sessions.current(scope).catch(toldApart)
    } catch (error) {
      leave()
      throw error
    }
  }

  /** One claim, from its first attempt to a hold or to its withdrawal. */
  async #stand<H extends Hold>(
    wish: Wish<H>,
    session: Session,
    leave: Leave,
    outer: Scope,
  ): Promise<Outcome<H>> {
    const claim = this.#newClaim(wish, session)
    const scope = new Scope().on(outer).on(session)
    try {
      const attempt = await this.#untilAnswered(claim, session, scope, wish.onWait)
      if (session.over) return 'session over'
      scope.throwIfEnded()
      if (attempt.held) return this.#hold(wish, { claim, session, admitted: attempt }, leave)
      // Free of cost unless an answer was lost; and the next call finds the turn free.
      await orAborted(this.#withdrawAside(claim, session, leave), outer.signal).catch(() => {})
      return undefined
    } catch (error) {
      if (error instanceof SessionGoneError) session.lose(error)
      if (session.over && !outer.ended) return 'session over' // the store has dropped the claim with it
      const withdrawn = this.#withdrawAside(claim, session, leave)
      // The store has just answered, and will again; a caller who wants out does not wait for it.
      if (error instanceof ConflictError) await withdrawn
      throw error
    } finally {
      scope.lift()
    }
  }

  async #untilAnswered(
    claim: Claim,
    session: Session,
    scope: Scope,
    onWait: Wish['onWait'],
  ): Promise<Attempt> {
    const request = session.request(scope)
    const ask = (retries?: number) =>
      persist({ ...request, retries }, (signal) => this.#backend.attempt(claim, signal))
    const first = await ask().catch(toldApart)
    if (first.held || !claim.wait) return first
    // A place in line is not given up as long as the session keeps it, and that may be longer than an outage.
    const waiter = { clock: this.#clock, scope, ttlMs: session.ttlMs, onWait, ask: () => ask(Infinity) }
    return untilAdmitted(first, waiter)
  }

  #hold<H extends Hold>(wish: Wish<H>, admission: Admission, leave: Leave): H {
    const { claim, session } = admission
    const holds = wish.releasesItself ? this.#attended : this.#holds
    const withdraw = (): Promise<void> =>
      this.#withdraw(claim, session).finally(() => {
        holds.delete(hold)
        leave()
      })
    const grant = { ...admission, withdraw: () => this.#noted(withdraw()) }
    const hold = wish.make({ backend: this.#backend, clock: this.#clock, ...grant })
    holds.add(hold)
    return hold
  }

  /** Withdraws while the caller goes on: an abort shall not wait for a store that may be the reason for it. */
  #withdrawAside(claim: Claim, session: Session, leave: Leave): Promise<void> {
    const withdrawal = this.#withdraw(claim, session)
      .catch(() => {}) // then the session has ended, and the claim with it
      .finally(leave)
    return this.#noted(withdrawal)
  }

  /** Lets `close` wait for a withdrawal, whoever else does or does not. */
  #noted(withdrawal: Promise<void>): Promise<void> {
    const noted = withdrawal.catch(() => {}).then(() => void this.#withdrawals.delete(noted))
    this.#withdrawals.add(noted)
    return withdrawal
  }

  /** Goes on until the store has answered or the session is over, when the store drops the claim by itself. */
  async #withdraw(claim: Claim, session: Session): Promise<void> {
    const scope = new Scope().on(session)
    const request = { ...session.request(scope), retries: Infinity }
    try {
      await persist(request, (signal) => this.#backend.withdraw(claim, signal))
    } catch (error) {
      if (error instanceof SessionGoneError) session.lose(error)
      if (session.over) return
      // It would stand, and block everybody, for as long as this session is renewed.
      session.lose(new SessionGoneError('a claim could not be withdrawn', { cause: error }))
      throw error
    } finally {
      scope.lift()
    }
  }

  #newClaim({ name, permits, value, wait, candidate }: Wish, session: Session): Claim {
    this.#claims += 1
    return { id: String(this.#claims), name, session: session.id, permits, value, wait, candidate }
  }

  /** What to throw when a name was not free in time: it says who holds, if the store answers soon. */
  async notFree({ name, waitMs = 0 }: Pick<Wish, 'name' | 'waitMs'>): Promise<WaitTimeoutError> {
    // Not as a request that went unanswered: that would cost everybody else the connection.
    const scope = new Scope().on(this.closing).onTimeout(this.#clock, 500, () => 'too slow')
    const line = await this.#backend.line(name, scope.signal).catch(() => [])
    scope.lift()
    const when = waitMs > 0 ? `was not free within ${waitMs} ms` : 'is not free'
    return new WaitTimeoutError(`${JSON.stringify(name)} ${when}${describeLine(line, this.#backend.facts)}`)
  }
}

/** A wait that ends before the store has said a word is no wait for a holder: the caller shall know. */
function toldApart(error: unknown): never {
  if (error !== timeout) throw error
  throw new UnavailableError('the store did not answer before the wait was over')
}

/** Ends a wait from within; the error that the caller gets is made when it is known who holds. */
const timeout = Symbol('waited long enough')

const tooLong = (): Error => new UnavailableError('the store did not answer while closing')

/** A hold, undefined where the name is not free, or the need to begin anew. */
type Outcome<H extends Hold> = H | undefined | 'session over'

/** What a hold is made of. */
type Admission = Pick<Grant, 'claim' | 'session' | 'admitted'>

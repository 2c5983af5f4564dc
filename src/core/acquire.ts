// The way from a request to a hold, for every kind of lock and every store. Owns that every way out of it withdraws, and
// what close waits for; waiting is admission.ts's, order comes from the store, loss from the session.
import type { Hold } from '../api/hold.ts'
import { orAborted } from '../base/abort.ts'
import { type Clock, pause } from '../base/clock.ts'
import {
  ClosedError,
  ConflictError,
  SessionGoneError,
  UnavailableError,
  type WaitTimeoutError,
} from '../base/errors.ts'
import { Scope } from '../base/scope.ts'
import type { Admitted, Backend, Claim } from '../contract.ts'
import { timeout, toldApart, untilAnswered } from './admission.ts'
import { listener } from './callbacks.ts'
import type { Grant } from './hold.ts'
import { notFree } from './holder.ts'
import { type Leave, Lines } from './local-queue.ts'
import { backoffMs, persist } from './request.ts'
import { requestMs, type Session, type Sessions } from './session.ts'
import { Unsettled } from './unsettled.ts'

/** What a caller wants of a name. */
export interface Wish<H extends Hold = Hold> {
  readonly name: string
  readonly permits: number
  readonly value: string
  /** Whether others observe who holds: see `Claim`. */
  readonly candidate: boolean
  /** Whether `close` leaves the release of this hold to work that was given to `awaitOnClose`, and waits for that work. */
  readonly releasesItself?: boolean
  /** Makes what the caller gets. */
  readonly make: (grant: Grant) => H
  /** How long to stand in line. For 0 the claim does not stand in line: the answer is undefined if the name is not free. */
  readonly waitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Hears how many stand ahead, whenever that changes, and whether these are calls of this client. */
  readonly onWait?: ((ahead: number, isLocal?: boolean) => unknown) | undefined
}

/** Turns wishes into holds. One per client. */
export class Acquirer {
  /** Ends when the client is closed. */
  readonly closing: Scope = new Scope()
  readonly #backend: Backend
  readonly #clock: Clock
  readonly #sessions: Sessions
  readonly #lines = new Lines()
  readonly #holds = new Set<Hold>()
  /** Holds of work that gives them back itself. */
  readonly #attended = new Set<Hold>()
  readonly #pending = new Unsettled()
  readonly #withdrawals = new Unsettled()
  readonly #works = new Unsettled()
  #claims = 0

  constructor(backend: Backend, clock: Clock, sessions: Sessions) {
    this.#backend = backend
    this.#clock = clock
    this.#sessions = sessions
  }

  /**
   * Waits for the caller's turn and resolves with a hold that is held at that moment, or, with a `waitMs` of 0,
   * with undefined. Rejects with WaitTimeoutError, `signal.reason`, UnavailableError, ConflictError or RefusedError;
   * the caller then holds nothing. A claim whose session is lost while it waits goes to the end of the line, and so
   * does one that was removed before its admission was heard. With a `waitMs` of 0 such a claim tries once more.
   */
  acquire<H extends Hold>(wish: Wish<H>): Promise<H | undefined> {
    return this.#pending.note(this.#acquire(wish))
  }

  async #acquire<H extends Hold>(wish: Wish<H>): Promise<H | undefined> {
    const scope = new Scope()
      .on(this.closing)
      .onSignal(wish.signal)
      .onTimeout(this.#clock, wish.waitMs || undefined, () => timeout)
    const onWait = listener(wish.onWait, scope)
    let leave: Leave | undefined
    try {
      scope.throwIfEnded()
      leave = await this.#lines.enter(wish.name, wish.permits, waits(wish), scope, onWait)
      return leave && (await this.#inTurn({ ...wish, onWait }, leave, scope))
    } catch (error) {
      if (error === timeout) throw await this.notFree(wish, leave === undefined)
      throw error
    } finally {
      scope.lift()
    }
  }

  /** Lets `close` wait for work that ends by itself when `closing` does, and keep its hold until then. */
  awaitOnClose<T>(work: Promise<T>): Promise<T> {
    return this.#works.note(work)
  }

  /**
   * Ends all that is under way: pending acquires reject, holds are released, the work of `awaitOnClose` ends, and then the
   * session. Bounded by that work's grace and about the time of two requests; what the store did not hear by then
   * it drops when the session's time to live is over.
   */
  async close(): Promise<void> {
    this.closing.end(new ClosedError('the Leasehold client was closed'))
    const released = Promise.allSettled([...this.#holds].map((hold) => hold.release()))
    await this.#works.settled()
    const scope = new Scope().onTimeout(this.#clock, 2 * requestMs(this.#sessions.ttlMs), tooLong)
    const givenBack = Promise.allSettled([...this.#attended].map((hold) => hold.release()))
    // Each of these has just been told to end, and withdraws only now.
    const withdrawn = this.#pending.settled().then(() => this.#withdrawals.settled())
    await orAborted(Promise.all([released, givenBack, withdrawn]), scope.signal).catch(() => {})
    await this.#sessions.end(scope).catch(() => {})
    scope.lift()
  }

  /** Stands in line with one session after the other, until the store has answered. */
  async #inTurn<H extends Hold>(wish: Wish<H>, leave: Leave, scope: Scope): Promise<H | undefined> {
    const { name, permits, value, candidate } = wish
    for (let lost = 0; ; lost += 1) {
      const session = (lost === 0 && this.#sessions.live) || (await this.#session(scope, leave, lost))
      this.#claims += 1
      const id = String(this.#claims)
      const claim: Claim = { id, name, session: session.id, permits, value, wait: waits(wish), candidate }
      const outcome = await this.#stand(wish, { claim, session, leave }, scope)
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

  /** One claim, from its first attempt to a hold or to its withdrawal; undefined where the name is not free. */
  async #stand<H extends Hold>(
    wish: Wish<H>,
    stand: Stand,
    outer: Scope,
  ): Promise<H | undefined | 'session over'> {
    const { claim, session } = stand
    const scope = new Scope().on(outer, session.ending)
    const request = { ...session.requests, scope }
    const { ttlMs } = session
    try {
      const asking = { backend: this.#backend, claim, request, ttlMs, onWait: wish.onWait }
      const attempt = await untilAnswered(asking)
      if (session.over) return 'session over'
      scope.throwIfEnded()
      if (attempt.held) return this.#hold(wish, stand, attempt)
      // Free of cost unless an answer was lost; and the next call finds the turn free.
      await orAborted(this.#withdrawAside(stand), outer.signal).catch(() => {})
      return undefined
    } catch (error) {
      return this.#failed(stand, outer, error)
    } finally {
      scope.lift()
    }
  }

  /** Where only the session was lost, the next one follows. Every other failure rejects, and the claim is withdrawn. */
  async #failed(stand: Stand, outer: Scope, error: unknown): Promise<'session over'> {
    const { session } = stand
    if (error instanceof SessionGoneError) session.lose(error)
    if (session.over && !outer.ended) return 'session over' // the store has dropped the claim with it
    const withdrawn = this.#withdrawAside(stand)
    // The store has just answered, and will again; a caller who wants out does not wait for it.
    if (error instanceof ConflictError) await withdrawn
    throw error
  }

  #hold<H extends Hold>(wish: Wish<H>, stand: Stand, admitted: Admitted): H {
    const { claim, session } = stand
    const holds = wish.releasesItself ? this.#attended : this.#holds
    const hold = wish.make({
      backend: this.#backend,
      clock: this.#clock,
      session,
      claim,
      admitted,
      withdraw: (hold) => {
        holds.delete(hold)
        return this.#withdrawals.note(this.#withdraw(stand))
      },
    })
    holds.add(hold)
    return hold
  }

  /** Withdraws in the background: an aborted caller must not wait for a store that may be down. */
  #withdrawAside(stand: Stand): Promise<void> {
    const withdrawal = this.#withdraw(stand).catch(() => {}) // then the session has ended, and the claim with it
    return this.#withdrawals.note(withdrawal)
  }

  /**
   * Goes on until the store has answered or the session is over, when the store drops the claim by itself. Then the next
   * local caller has its turn.
   */
  async #withdraw({ claim, session, leave }: Stand): Promise<void> {
    try {
      if (session.over) return
      const request = { ...session.requests, retries: Infinity }
      await persist(request, (signal) => this.#backend.withdraw(claim, signal))
    } catch (error) {
      if (error instanceof SessionGoneError) session.lose(error)
      if (session.over) return
      // It would stand, and block everybody, for as long as this session is renewed.
      session.lose(new SessionGoneError('a claim could not be withdrawn', { cause: error }))
      throw error
    } finally {
      leave()
    }
  }

  /** The error for a name that was not free in time. It says who holds, if the store answers soon. */
  notFree(wish: Pick<Wish, 'name' | 'waitMs'>, isOwn = false): Promise<WaitTimeoutError> {
    const soon = new Scope().on(this.closing).onTimeout(this.#clock, 500, () => 'too slow')
    return notFree(this.#backend, soon, { ...wish, isOwn })
  }
}

const tooLong = (): Error => new UnavailableError('the store did not answer while closing')

/** Whether the claim stands in line. */
function waits({ waitMs }: Wish): boolean {
  return waitMs !== 0
}

/** A claim that stands in line, with what it stands on: its session in the store, its turn in this process. */
interface Stand {
  readonly claim: Claim
  readonly session: Session
  readonly leave: Leave
}

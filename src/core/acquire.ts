// The way from a request to a hold, for every kind of lock and every store. Makes sure that every failure withdraws the
// claim. admission.ts waits; the store decides the order; the session reports a loss; closing.ts ends a client.
import type { Hold } from '../api/hold.ts'
import { orAborted } from '../base/abort.ts'
import { type Clock, pause } from '../base/clock.ts'
import { ConflictError, SessionGoneError, UnavailableError } from '../base/errors.ts'
import { Scope } from '../base/scope.ts'
import type { Backend } from '../contract.ts'
import { untilAnswered } from './admission.ts'
import { listener } from './callbacks.ts'
import { Closing, type Withdrawal } from './closing.ts'
import { toldAcquire } from './events.ts'
import { notFree } from './holder.ts'
import { LateReads } from './late.ts'
import { Lines, type Turn } from './local-queue.ts'
import { backoffMs, ofCall, timeout } from './request.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'
import type { Seen, Wish } from './wish.ts'

/** Turns wishes into holds. Each client has one. */
export class Acquirer {
  /** Ends the client: its `close` is `close` of Leasehold. */
  readonly closing: Closing
  /** The queues of this client. */
  readonly lines: Lines = new Lines()
  readonly #backend: Backend
  readonly #clock: Clock
  readonly #sessions: Sessions
  readonly #late: LateReads
  #claims = 0

  constructor(backend: Backend, clock: Clock, sessions: Sessions) {
    this.#backend = backend
    this.#clock = clock
    this.#sessions = sessions
    this.closing = new Closing(backend, clock, sessions)
    this.#late = new LateReads(backend, sessions, this.closing.scope)
  }

  /**
   * Waits for the caller's turn. Resolves with a hold that is held at that moment. Rejects with WaitTimeoutError, `signal.reason`,
   * UnavailableError, ConflictError or RefusedError; the caller then holds nothing. A claim whose session is lost while it waits goes to
   * the end of the line; so does a claim that was removed before its admission arrived. With a `waitMs` of 0 there is no line, and such a
   * claim is tried once more. `waitMs` also limits the wait for a store that does not answer.
   */
  acquire<H extends Hold>(wish: Wish<H>): Promise<H> {
    return this.closing.acquires.note(toldAcquire(this.#sessions.origin, wish, (told) => this.#acquire(told)))
  }

  /** The same as `acquire`, without standing in line. Resolves with undefined if the name is not free. */
  tryAcquire<H extends Hold>(wish: Wish<H>): Promise<H | undefined> {
    const ask = (told: Wish<H>): Promise<H | undefined> => this.#ask(told, { ...unseen })
    return this.closing.acquires.note(toldAcquire(this.#sessions.origin, { ...wish, waitMs: 0 }, ask))
  }

  async #acquire<H extends Hold>(wish: Wish<H>): Promise<H> {
    const seen = { ...unseen }
    const hold = await this.#ask(wish, seen)
    if (hold) return hold
    const line = await this.#late.line(wish.name)
    throw notFree({ ...wish, ...seen, session: this.#sessions.live?.id }, line, this.#backend.facts)
  }

  /** Resolves with undefined if the name was not free in time. `seen` has the store's last answer. */
  async #ask<H extends Hold>(wish: Wish<H>, seen: Seen): Promise<H | undefined> {
    const scope = this.closing.scopeOf(wish.signal)
    const onSent = this.#sessions.limit(scope, wish.waitMs)
    const onWait = wish.onWait && listener(wish.onWait, scope)
    let turn: Turn | undefined
    try {
      scope.throwIfEnded()
      turn = await this.lines.enter(wish, wish.waitMs !== 0, scope, this.closing.waiting(wish, onWait))
      if (turn?.hold) return turn.hold as H // made by `handOver` for this very wish
      seen.isOwn = turn === undefined
      return turn && (await this.#inTurn({ wish, onWait, onSent, turn, seen }, scope))
    } catch (error) {
      if (error === timeout) return undefined
      throw error
    } finally {
      scope.detach()
      // A call that sent no request, such as one that the local queue refused; a request awaits a turn of the loop itself.
      if (!turn || turn.hold) await this.#clock.turn?.()
    }
  }

  /** Makes a claim and, as long as its session is lost before the answer, another one in the next session. */
  async #inTurn<H extends Hold>(call: Call<H>, scope: Scope): Promise<H | undefined> {
    const { wish, onWait, onSent, turn, seen } = call
    const { name, permits, weight, value, candidate, priority } = wish
    const wait = wish.waitMs !== 0
    for (let lost = 0; ; lost += 1) {
      const session = (lost === 0 && this.#sessions.live) || (await this.#session(call, lost, scope))
      const id = this.claimId()
      // Each object is one literal: copies by `...` took a good part of a cycle on a store in memory.
      const claim = { id, session: session.id, name, permits, weight, value, wait, candidate, priority }
      const outcome = await this.#stand({ wish, onWait, onSent, turn, seen, claim, session }, scope)
      if (outcome !== 'session over') return outcome
    }
  }

  /** An id for a claim of this client. */
  claimId(): string {
    this.#claims += 1
    return String(this.#claims)
  }

  /** A session to stand in line with. If sessions are lost at once again and again, it pauses before the next. */
  async #session({ wish, turn }: Call, lost: number, scope: Scope): Promise<Session> {
    turn.before?.decide(false) // the session of that claim is over
    try {
      if (lost > 1) await pause(this.#clock, backoffMs(this.#clock, lost - 1), scope.signal)
      return await this.#sessions.current(scope, wish.waitMs !== undefined)
    } catch (error) {
      turn.leave()
      throw error
    }
  }

  /** Follows one claim from its first attempt to a hold or its withdrawal. Undefined if the name is not free. */
  async #stand<H extends Hold>(stand: Stand<H>, outer: Scope): Promise<H | undefined | 'session over'> {
    const { wish, onWait, onSent, turn, seen, claim, session } = stand
    const scope = new Scope().on(outer, session.ending)
    const retries = wish.waitMs === undefined ? undefined : Infinity
    const request = ofCall(session.requests, scope, retries, onSent)
    const before = turn.before?.within(session)
    try {
      const asking = { backend: this.#backend, claim, before, session, request, onWait, seen }
      const attempt = await untilAnswered(asking)
      scope.throwIfEnded()
      if (attempt.held) return this.closing.hold(stand, attempt)
      // Sends no request unless an answer was lost. Afterwards the next local caller finds the turn free.
      await orAborted(this.closing.withdrawAside([stand]), outer.signal).catch(() => {})
      return undefined
    } catch (error) {
      return this.failed([stand], outer, error)
    } finally {
      turn.before?.decide(false)
      scope.detach()
    }
  }

  /** If only the session was lost, the caller opens the next one. Every other failure withdraws the claims and rejects. */
  async failed(stands: readonly Withdrawal[], outer: Scope, error: unknown): Promise<'session over'> {
    const [{ session }] = stands as [Withdrawal]
    if (error instanceof SessionGoneError) session.lose(error)
    if (session.over && !outer.ended) return 'session over' // the store dropped the claims with their session
    const withdrawn = this.closing.withdrawAside(stands)
    // If session and wait ended at the same moment, the caller gets the reason of the wait, unless nothing shows that the name is taken.
    if (session.over && !(error instanceof UnavailableError)) outer.throwIfEnded()
    // The store has just answered, so it answers again soon. A caller that aborted does not wait for it.
    if (error instanceof ConflictError) await withdrawn
    throw error
  }
}

/** Before the store has answered. In the local queue, only calls of this client are in the way. */
const unseen: Seen = { delayed: false, isOwn: true }

/** A wish whose turn in this process has come, and the store's last answer to it. `onSent` hears that its request is sent. */
interface Call<H extends Hold = Hold> {
  readonly wish: Wish<H>
  readonly onWait?: ((ahead: number) => void) | undefined
  readonly onSent?: (() => void) | undefined
  readonly turn: Turn
  readonly seen: Seen
}

/** A claim in line, its session in the store and its turn in this process. */
interface Stand<H extends Hold = Hold> extends Call<H>, Withdrawal {}

// The one loop that waits for other holders, for every kind of lock and every store. Owns the way from a request
// to a hold, and that every way out of it withdraws; order comes from the store, loss from the session.
import type { Admitted, Attempt, Backend, Claim, Waiting } from './backend.ts'
import { type Clock, leastElapsedMs, pause } from './clock.ts'
import { ConflictError, SessionGoneError, UnavailableError, WaitTimeoutError } from './errors.ts'
import { Hold } from './hold.ts'
import { describeLine } from './holder.ts'
import { Limits, orAborted } from './limits.ts'
import { type Leave, Lines } from './line.ts'
import { backoffMs, persist, retryDefaults } from './request.ts'
import { requestMs, type Session, type Sessions } from './session.ts'

/** What a caller wants of a name. */
export interface Wish {
  readonly name: string
  readonly limit: number
  readonly value: string
  /** Whether to stand in line. Without it the answer is undefined when the name is not free. */
  readonly wait: boolean
  readonly waitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Turns wishes into holds. One per client. */
export class Acquirer {
  /** Ends when the client is closed. */
  readonly closing: Limits = new Limits()
  readonly #backend: Backend
  readonly #clock: Clock
  readonly #sessions: Sessions
  readonly #lines = new Lines()
  readonly #pending = new Set<Promise<unknown>>()
  readonly #holds = new Set<Hold>()
  readonly #withdrawals = new Set<Promise<void>>()
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
  acquire(wish: Wish): Promise<Hold | undefined> {
    const acquired = this.#acquire(wish).finally(() => this.#pending.delete(acquired))
    this.#pending.add(acquired)
    return acquired
  }

  async #acquire(wish: Wish): Promise<Hold | undefined> {
    const limits = new Limits()
      .on(this.closing)
      .onSignal(wish.signal)
      .onTimeout(this.#clock, wish.waitMs, () => timeout)
    try {
      limits.throwIfEnded()
      return await this.#inTurn(wish, limits)
    } catch (error) {
      if (error === timeout) throw await this.notFree(wish)
      throw error
    } finally {
      limits.lift()
    }
  }

  /**
   * Ends all that is under way: pending acquires reject, holds are released, the session ends. Bounded by about the
   * time of two requests; what the store did not hear by then it drops when the session's time to live is over.
   */
  async close(): Promise<void> {
    this.closing.end(new DOMException('the Leasehold client was closed', 'AbortError'))
    const limits = new Limits().onTimeout(this.#clock, 2 * requestMs(this.#sessions.ttlMs), tooLong)
    const released = Promise.allSettled([...this.#holds].map((hold) => hold.release()))
    // Each of these has just been told to end, and withdraws only now.
    const withdrawn = Promise.allSettled(this.#pending).then(() => Promise.allSettled(this.#withdrawals))
    await orAborted(Promise.all([released, withdrawn]), limits.signal).catch(() => {})
    await this.#sessions.end(limits).catch(() => {})
    limits.lift()
  }

  async #inTurn(wish: Wish, limits: Limits): Promise<Hold | undefined> {
    const leave = await this.#lines.enter(wish.name, wish.limit, wish.wait, limits)
    if (!leave) return undefined
    for (let lost = 0; ; lost += 1) {
      const live = lost === 0 ? this.#sessions.live : undefined
      const session = live ?? (await this.#session(limits, leave, lost))
      const outcome = await this.#stand(wish, session, leave, limits)
      if (outcome !== 'session over') return outcome
    }
  }

  /** A session to stand in line with. One that is lost at once, again and again, is not followed by the next at once. */
  async #session(limits: Limits, leave: Leave, lost: number): Promise<Session> {
    try {
      if (lost > 1) await pause(this.#clock, backoffMs(this.#clock, lost - 1), limits.signal)
      return await this.#sessions.current(limits).catch(toldApart)
    } catch (error) {
      leave()
      throw error
    }
  }

  /** One claim, from its first attempt to a hold or to its withdrawal. */
  async #stand(wish: Wish, session: Session, leave: Leave, outer: Limits): Promise<Outcome> {
    const claim = this.#newClaim(wish, session)
    const limits = new Limits().on(outer).on(session)
    try {
      const attempt = await this.#untilAnswered(claim, session, limits)
      if (session.over) return 'session over'
      limits.throwIfEnded()
      if (attempt.held) return this.#hold(claim, session, attempt, leave)
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
      limits.lift()
    }
  }

  async #untilAnswered(claim: Claim, session: Session, limits: Limits): Promise<Attempt> {
    const request = session.request(limits)
    const ask = (retries?: number) =>
      persist({ ...request, retries }, (limit) => this.#backend.attempt(claim, limit))
    let attempt = await ask().catch(toldApart)
    for (let inVain = 0; !attempt.held && claim.wait; ) {
      const since = this.#clock.mark()
      const proven = await this.#changed(attempt, session, limits)
      const soon =
        leastElapsedMs(since, this.#clock.mark()) < Math.min(retryDefaults.mostMs, session.ttlMs / 2)
      // A watch that fails at once would make this loop spin; one that wakes us for a reason shortens the line.
      if (!proven && !attempt.delayed && soon && inVain > 1)
        await pause(this.#clock, backoffMs(this.#clock, inVain), limits.signal)
      // A place in line is not given up as long as the session keeps it, and that may be longer than an outage.
      const next = proven ?? (await ask(Infinity))
      inVain = soon && !next.held && next.ahead === attempt.ahead ? inVain + 1 : 0
      attempt = next
    }
    return attempt
  }

  /** Waits for a change, but no longer than a time to live: stores have lost watch events before. */
  async #changed(waiting: Waiting, session: Session, outer: Limits): Promise<Attempt | undefined> {
    const limits = new Limits().on(outer)
    const restMs = waiting.delayed ? delayedMs * (0.5 + this.#clock.random() / 2) : session.ttlMs
    const rest = pause(this.#clock, restMs, limits.signal).then(() => undefined)
    try {
      return await (waiting.delayed ? rest : Promise.race([waiting.changed(limits.signal), rest]))
    } finally {
      limits.end(undefined)
      limits.lift()
    }
  }

  #hold(claim: Claim, session: Session, admitted: Admitted, leave: Leave): Hold {
    const withdraw = (): Promise<void> =>
      this.#withdraw(claim, session).finally(() => {
        this.#holds.delete(hold)
        leave()
      })
    const { backend, clock } = { backend: this.#backend, clock: this.#clock }
    const hold = new Hold({ backend, clock, session, claim, admitted, withdraw })
    this.#holds.add(hold)
    return hold
  }

  /** Withdraws while the caller goes on: an abort shall not wait for a store that may be the reason for it. */
  #withdrawAside(claim: Claim, session: Session, leave: Leave): Promise<void> {
    const withdrawal = this.#withdraw(claim, session)
      .catch(() => {}) // then the session has ended, and the claim with it
      .finally(() => {
        this.#withdrawals.delete(withdrawal)
        leave()
      })
    this.#withdrawals.add(withdrawal)
    return withdrawal
  }

  /** Goes on until the store has answered or the session is over, when the store drops the claim by itself. */
  async #withdraw(claim: Claim, session: Session): Promise<void> {
    const limits = new Limits().on(session)
    const request = { ...session.request(limits), retries: Infinity }
    try {
      await persist(request, (limit) => this.#backend.withdraw(claim, limit))
    } catch (error) {
      if (error instanceof SessionGoneError) session.lose(error)
      if (session.over) return
      // It would stand, and block everybody, for as long as this session is renewed.
      session.lose(new SessionGoneError('a claim could not be withdrawn', { cause: error }))
      throw error
    } finally {
      limits.lift()
    }
  }

  #newClaim({ name, limit, value, wait }: Wish, session: Session): Claim {
    this.#claims += 1
    return { id: String(this.#claims), name, session: session.id, limit, value, wait }
  }

  /** What to throw when a name was not free in time: it says who holds, if the store answers soon. */
  async notFree({ name, waitMs = 0 }: Pick<Wish, 'name' | 'waitMs'>): Promise<WaitTimeoutError> {
    // Not as a request that went unanswered: that would cost everybody else the connection.
    const limits = new Limits().on(this.closing).onTimeout(this.#clock, 500, () => 'too slow')
    const line = await this.#backend.list(name, limits.signal).catch(() => [])
    limits.lift()
    const when = waitMs > 0 ? `was not free within ${waitMs} ms` : 'is not free'
    return new WaitTimeoutError(`${JSON.stringify(name)} ${when}${describeLine(line, this.#backend.facts)}`)
  }
}

/** A wait that ends before the store has said a word is no wait for a holder: the caller shall know. */
function toldApart(error: unknown): never {
  if (error !== timeout) throw error
  throw new UnavailableError('the store did not answer before the wait was over')
}

/** How often to ask, at least, whether a lock-delay is over. */
const delayedMs = 500

/** Ends a wait from within; the error that the caller gets is made when it is known who holds. */
const timeout = Symbol('waited long enough')

const tooLong = (): Error => new UnavailableError('the store did not answer while closing')

/** A hold, undefined where the name is not free, or the need to begin anew. */
type Outcome = Hold | undefined | 'session over'

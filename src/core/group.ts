// Several names in one step of the store: claims that are admitted together or not at all, and stand in no line. Owns when
// that is tried, and the end of a try. locks/group.ts takes the names one by one where this cannot.
import type { Hold } from '../api/hold.ts'
import { orAborted } from '../base/abort.ts'
import { RefusedError } from '../base/errors.ts'
import { Scope } from '../base/scope.ts'
import type { Attempt, Backend } from '../contract.ts'
import type { Acquirer } from './acquire.ts'
import { untilAnswered } from './admission.ts'
import type { Withdrawal } from './closing.ts'
import { toldAcquire } from './events.ts'
import type { Turn } from './local-queue.ts'
import { ofCall, timeout } from './request.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'
import type { Wish } from './wish.ts'

/** The result of a try without holds. After `one by one` the caller has to ask for each name. */
export type NotTogether = 'not free' | 'one by one'

/** A claim of a group, and the wish behind it. */
interface Stand<H extends Hold> extends Withdrawal {
  readonly wish: Wish<H>
  /** To be called when its request is sent. */
  readonly onSent: (() => void) | undefined
}

/** The wishes of one call, and their turns in this process. */
interface Together<H extends Hold> extends Pick<Stand<H>, 'onSent'> {
  readonly wishes: readonly Wish<H>[]
  readonly turns: readonly Turn[]
}

/** Takes groups of names for one client. */
export class Groups {
  readonly #backend: Backend
  readonly #sessions: Sessions
  readonly #acquirer: Acquirer

  constructor(backend: Backend, sessions: Sessions, acquirer: Acquirer) {
    this.#backend = backend
    this.#sessions = sessions
    this.#acquirer = acquirer
  }

  /**
   * Takes all names if all of them are free, for the store and for the callers of this client, by one request. The wishes
   * have the same `waitMs` and `signal`, which limit only how long the store is asked. Rejects as `Acquirer.acquire` does, but
   * not because a name is taken, or because the store refuses the group: it may permit some of the names, so each is asked for.
   */
  tryAll<H extends Hold>(wishes: readonly Wish<H>[]): Promise<readonly H[] | NotTogether> {
    const { groupMax = 0 } = this.#backend.facts
    if (wishes.length < 2 || wishes.length > groupMax) return Promise.resolve('one by one')
    const trying = this.#acquirer.closing.acquires.note(this.#tryAll(wishes))
    for (const [index, wish] of wishes.entries()) this.#tell(wish, trying, index)
    return trying
  }

  /** Tells the try of one name. A name that is asked for once more tells that by itself. */
  #tell<H extends Hold>(wish: Wish<H>, trying: Promise<readonly H[] | NotTogether>, index: number): void {
    const holdOf = async (): Promise<H | undefined> => {
      const all = await trying
      return typeof all === 'string' ? undefined : all[index]
    }
    toldAcquire(this.#sessions.origin, wish, holdOf).catch(() => {}) // `trying` itself rejects to the caller
  }

  async #tryAll<H extends Hold>(wishes: readonly Wish<H>[]): Promise<readonly H[] | NotTogether> {
    const { signal, waitMs } = wishes[0] as Wish<H>
    const scope = this.#acquirer.closing.scopeOf(signal)
    const onSent = this.#sessions.limit(scope, waitMs)
    try {
      scope.throwIfEnded()
      const turns = this.#turns(wishes, scope)
      return turns ? await this.#inTurn({ wishes, turns, onSent }, scope) : 'not free'
    } catch (error) {
      if (error === timeout) return 'not free'
      throw error
    } finally {
      scope.detach()
    }
  }

  /** The turns of this client for all names. Undefined if another call of this client has one of them or waits for it. */
  #turns(wishes: readonly Wish[], scope: Scope): readonly Turn[] | undefined {
    const turns: Turn[] = []
    for (const wish of wishes) {
      const turn = this.#acquirer.lines.enter(wish, false, scope)
      if (!turn) {
        for (const each of turns) each.leave()
        return undefined
      }
      turns.push(turn as Turn)
    }
    return turns
  }

  async #inTurn<H extends Hold>(
    { wishes, turns, onSent }: Together<H>,
    scope: Scope,
  ): Promise<readonly H[] | NotTogether> {
    const session = await this.#session(wishes[0]?.waitMs, scope).catch((error) => {
      for (const turn of turns) turn.leave()
      throw error
    })
    const stands = wishes.map((wish, index) => {
      const { name, permits, weight, value, candidate } = wish
      const common = { id: this.#acquirer.claimId(), session: session.id, wait: false, candidate }
      return {
        wish,
        session,
        onSent,
        turn: turns[index] as Turn,
        claim: { ...common, name, permits, weight, value },
      }
    })
    return this.#ask(stands, session, scope)
  }

  async #session(waitMs: number | undefined, scope: Scope): Promise<Session> {
    return this.#sessions.live ?? (await this.#sessions.current(scope, waitMs !== undefined))
  }

  /** Asks about the claims, and withdraws all of them unless all hold. */
  async #ask<H extends Hold>(
    stands: readonly Stand<H>[],
    session: Session,
    outer: Scope,
  ): Promise<readonly H[] | NotTogether> {
    const scope = new Scope().on(outer, session.ending)
    const { closing } = this.#acquirer
    try {
      const attempt = await this.#answer(stands, session, scope)
      scope.throwIfEnded()
      if (attempt.held) return stands.map((stand) => closing.hold(stand, attempt))
      // Sends no request unless an answer was lost. The names are asked for again only when it is done.
      await orAborted(closing.withdrawAside(stands), outer.signal).catch(() => {})
      return 'not free'
    } catch (error) {
      if (!(error instanceof RefusedError)) return await this.#failed(stands, outer, error)
      await orAborted(closing.withdrawAside(stands), outer.signal).catch(() => {})
      return 'one by one'
    } finally {
      scope.detach()
    }
  }

  /** The answer for all claims, which share one: see `attemptAll`. */
  #answer<H extends Hold>(stands: readonly Stand<H>[], session: Session, scope: Scope): Promise<Attempt> {
    const [{ claim, wish, onSent }] = stands as [Stand<H>]
    const retries = wish.waitMs === undefined ? undefined : Infinity
    const claims = stands.map((stand) => stand.claim)
    const attempt = (_: unknown, signal: AbortSignal): Promise<Attempt> =>
      (this.#backend as Required<Backend>).attemptAll(claims, signal)
    const request = ofCall(session.requests, scope, retries, onSent)
    const seen = { delayed: false, isOwn: false }
    return untilAnswered({ backend: { attempt, changed: noLine }, claim, session, request, seen })
  }

  /** With a lost session the claims are gone, and the next one is opened by the request for the first name. */
  async #failed(stands: readonly Withdrawal[], outer: Scope, error: unknown): Promise<NotTogether> {
    await this.#acquirer.failed(stands, outer, error)
    for (const { turn } of stands) turn.leave()
    return 'one by one'
  }
}

function noLine(): never {
  throw new Error('a claim of a group stands in no line')
}

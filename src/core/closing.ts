// The end of claims and of their client: how a claim is withdrawn, and what `close` has to end and to wait for, in which
// order. acquire.ts registers its acquires and holds here.
import type { Hold } from '../api/hold.ts'
import { orAborted } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import { ClosedError, SessionGoneError, UnavailableError } from '../base/errors.ts'
import { Scope } from '../base/scope.ts'
import { Signals } from '../base/signals.ts'
import type { Admitted, Backend, Claim } from '../contract.ts'
import { Cohort } from './cohort.ts'
import type { Origin } from './events.ts'
import { Granted } from './granted.ts'
import { requestMs } from './lifetime.ts'
import type { Listening, LocalWait, TakeOver, Turn } from './local-queue.ts'
import { persist } from './request.ts'
import type { Sessions } from './sessions.ts'
import type { Watched } from './watch.ts'
import type { Wish } from './wish.ts'
import { Batch, type Withdrawal } from './withdrawals.ts'

export type { Withdrawal } from './withdrawals.ts'

/** Everything that `close` of one client has to end. */
export class Closing {
  /** Ends when the client is closed. */
  readonly scope: Scope = new Scope()
  readonly acquires: Unsettled = new Unsettled()
  /** The client, as its events name it. */
  readonly origin: Origin
  readonly #works = new Unsettled()
  readonly #holds = new Set<Hold>()
  /** Holds that registered work releases itself. */
  readonly #attended = new Set<Hold>()
  readonly #withdrawals = new Unsettled()
  readonly #signals = new Signals()
  /** Resolves when the end of the session has freed every claim. Undefined if each has to be withdrawn by itself. */
  #freed: Promise<void> | undefined
  readonly #backend: Backend
  readonly #clock: Clock
  readonly #sessions: Sessions

  constructor(backend: Backend, clock: Clock, sessions: Sessions) {
    this.#backend = backend
    this.#clock = clock
    this.#sessions = sessions
    this.origin = sessions.origin
  }

  /** A scope for one call, which ends with the client and when the caller's signal aborts. */
  scopeOf(signal: AbortSignal | undefined): Scope {
    const scope = new Scope().on(this.scope)
    return signal ? scope.on(this.#signals.of(signal)) : scope
  }

  /** The hold of an admitted claim, which `close` ends. */
  hold<H extends Hold>({ wish, claim, session, turn }: Admission<H>, admitted: Admitted): H {
    const [backend, clock, { looks }] = [this.#backend, this.#clock, this.#sessions]
    const watched = { backend, clock, session, claim, admitted, looks }
    const cohort = wish.handoff && new Cohort(watched, wish.handoff)
    return this.#hold(wish, turn, watched, cohort)
  }

  /** The ways in which a caller that waits learns of its turn, and may take a claim over. */
  waiting<H extends Hold>(wish: Wish<H>, onWait: LocalWait | undefined): Listening {
    const takeOver: TakeOver = (turn, cohort) => this.handOver(wish, turn, cohort)
    return { onWait, takeOver: wish.handoff && takeOver }
  }

  /** The hold of the next local caller, on the claim that the one before hands over. */
  handOver<H extends Hold>(wish: Wish<H>, turn: Turn, cohort: Cohort): H {
    cohort.pass()
    return this.#hold(wish, turn, cohort.watched, cohort)
  }

  #hold<H extends Hold>(wish: Wish<H>, turn: Turn, watched: Watched, cohort?: Cohort): H {
    const { kind, make, ended, releasesItself } = wish
    const hold = make(new Granted(this, ended, { watched, kind, turn, cohort }))
    this.enter(hold, releasesItself)
    return hold
  }

  /** Lets `close` release the hold: at once or, if the hold `releasesItself`, when the work of `awaitOnClose` has ended. */
  enter(hold: Hold, releasesItself = false): void {
    const holds = releasesItself ? this.#attended : this.#holds
    holds.add(hold)
  }

  /** Forgets a hold that ends. */
  leave(hold: Hold): void {
    this.#holds.delete(hold)
    this.#attended.delete(hold)
  }

  /**
   * Removes claims of one session from the store, and then gives their turns to the next local callers. A single claim with
   * `handoff` may stay instead, for the next local caller. If the store can do both at once for a single claim, the next caller's
   * first request also removes that claim. Asks until the store has answered or the session is over, which removes the claims, too. Several are at most `facts.groupMax`.
   */
  withdraw(withdrawals: readonly Withdrawal[]): Promise<void> {
    return this.#withdrawals.note(this.#withdraw(withdrawals))
  }

  /** Withdrawals that are sent as one where the store can. */
  batch(): Batch {
    const { groupMax = 1 } = this.#backend.facts
    const batch = new Batch(groupMax, (withdrawals) => this.#withdraw(withdrawals))
    this.#withdrawals.note(batch.sent)
    return batch
  }

  /** The same in the background, without an error: an aborted caller must not wait for a store that may be down. */
  withdrawAside(withdrawals: readonly Withdrawal[]): Promise<void> {
    return this.#withdrawals.note(this.#withdraw(withdrawals).catch(() => {}))
  }

  async #withdraw(withdrawals: readonly Withdrawal[]): Promise<void> {
    const [{ session, claim, turn, cohort }, ...more] = withdrawals as [Withdrawal, ...Withdrawal[]]
    if (cohort && more.length === 0 && turn.handOver(cohort)) return
    for (const each of withdrawals) each.cohort?.end()
    const isSent = more.length === 0 && !session.over && !this.#freed && this.#backend.replace !== undefined
    const succession = isSent ? turn.passOn(claim, session) : undefined
    try {
      if (succession && (await succession.decided)) return
      if (session.over || this.#freed) return await this.#freed
      await persist(session.insisting, 'withdraw', (signal) => this.#remove(withdrawals, signal))
    } catch (error) {
      if (error instanceof SessionGoneError) session.lose(error)
      if (session.over) return
      // The claim would stand, and block everybody, for as long as this session is renewed.
      session.lose(new SessionGoneError('a claim could not be withdrawn', { cause: error }))
      throw error
    } finally {
      succession?.finish()
      for (const { turn: each } of withdrawals) each.leave()
    }
  }

  #remove(withdrawals: readonly Withdrawal[], signal: AbortSignal): Promise<void> {
    const [first, ...more] = withdrawals.map(({ claim }) => claim) as [Claim, ...Claim[]]
    if (more.length === 0) return this.#backend.withdraw(first, signal)
    return (this.#backend as Required<Backend>).withdrawAll([first, ...more], signal)
  }

  /** Lets `close` wait for work that ends by itself when `scope` ends; `close` releases the work's hold only after that. */
  awaitOnClose<T>(work: Promise<T>): Promise<T> {
    return this.#works.note(work)
  }

  /**
   * Ends everything under way: pending acquires reject, holds are released, work given to `awaitOnClose` ends, then
   * the session ends. If that frees all claims, and no work goes on, no release is sent. Takes at most that work's grace plus
   * about two requests, and one more for many releases that a store answers. A store that was not reached frees the
   * rest when the session's time to live is over.
   */
  async close(): Promise<void> {
    this.scope.end(new ClosedError('the Leasehold client was closed'))
    const isAlone = this.#works.size === 0 && this.#attended.size === 0
    if (this.#sessions.endFreesAll && isAlone) return this.#endSession()
    const released = Promise.allSettled([...this.#holds].map((hold) => hold.release()))
    await this.#works.settled()
    const givenBack = Promise.allSettled([...this.#attended].map((hold) => hold.release()))
    // The acquires were told to end just now. Their withdrawals start only when they have ended.
    const withdrawn = this.acquires.settled().then(() => this.#withdrawals.settled())
    const all = Promise.all([released, givenBack, withdrawn])
    const { size } = this.#withdrawals
    const isDone = await this.#inTime(all)
    if (!isDone && this.#withdrawals.size < size) await this.#inTime(all) // the store answers, and there are many
    // With a time of its own: it frees what the releases left.
    const scope = this.#limit(1)
    await this.#sessions.end(scope).catch(() => {})
    scope.detach()
  }

  /** Whether this is done within the time of one request. */
  async #inTime(done: Promise<unknown>): Promise<boolean> {
    const scope = this.#limit(1)
    const ended = orAborted(done, scope.signal).then(
      () => true,
      () => false,
    )
    return ended.finally(() => scope.detach())
  }

  /** Frees all claims by the end of the session. Each release resolves when that is over. */
  async #endSession(): Promise<void> {
    const scope = this.#limit(2)
    const isNeeded = this.#holds.size > 0 || this.acquires.size > 0
    this.#freed = this.#sessions.end(scope, isNeeded).catch(() => {})
    for (const hold of [...this.#holds]) hold.release().catch(() => {})
    await this.#freed
    await this.acquires.settled()
    scope.detach()
  }

  /** The time of this many requests. */
  #limit(requests: number): Scope {
    return new Scope().onTimeout(this.#clock, requests * requestMs(this.#sessions.coveredMs), tooLong)
  }
}

/** A claim that is admitted, and the wish behind it. */
interface Admission<H extends Hold> extends Withdrawal {
  readonly wish: Wish<H>
}

/** The promises of one kind that are not settled yet. */
export class Unsettled {
  readonly #promises = new Set<Promise<unknown>>()

  /** Remembers a promise until it settles, and returns it. */
  note<T>(promise: Promise<T>): Promise<T> {
    const forget = (): void => void this.#promises.delete(promise)
    this.#promises.add(promise)
    promise.then(forget, forget)
    return promise
  }

  get size(): number {
    return this.#promises.size
  }

  /** Resolves when every promise that is unsettled now has settled. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#promises)
  }
}

const tooLong = (): Error => new UnavailableError('the store did not answer while closing')

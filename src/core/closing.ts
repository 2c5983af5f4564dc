// The end of a client: what `close` has to end and to wait for, and in which order. acquire.ts registers its acquires,
// holds and withdrawals here.
import type { Hold } from '../api/hold.ts'
import { orAborted } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import { ClosedError, UnavailableError } from '../base/errors.ts'
import { Scope } from '../base/scope.ts'
import { requestMs } from './lifetime.ts'
import type { Sessions } from './sessions.ts'

/** Everything that `close` of one client has to end. */
export class Closing {
  /** Ends when the client is closed. */
  readonly scope: Scope = new Scope()
  readonly acquires: Unsettled = new Unsettled()
  readonly withdrawals: Unsettled = new Unsettled()
  readonly #works = new Unsettled()
  readonly #holds = new Set<Hold>()
  /** Holds that registered work releases itself. */
  readonly #attended = new Set<Hold>()
  readonly #clock: Clock
  readonly #sessions: Sessions

  constructor(clock: Clock, sessions: Sessions) {
    this.#clock = clock
    this.#sessions = sessions
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

  /** Lets `close` wait for work that ends by itself when `scope` ends; `close` releases the work's hold only after that. */
  awaitOnClose<T>(work: Promise<T>): Promise<T> {
    return this.#works.note(work)
  }

  /**
   * Ends everything under way: pending acquires reject, holds are released, work given to `awaitOnClose` ends, then
   * the session ends. Takes at most that work's grace plus about two requests. A store that was not reached frees the
   * rest when the session's time to live is over.
   */
  async close(): Promise<void> {
    this.scope.end(new ClosedError('the Leasehold client was closed'))
    const released = Promise.allSettled([...this.#holds].map((hold) => hold.release()))
    await this.#works.settled()
    const scope = new Scope().onTimeout(this.#clock, 2 * requestMs(this.#sessions.coveredMs), tooLong)
    const givenBack = Promise.allSettled([...this.#attended].map((hold) => hold.release()))
    // The acquires were told to end just now. Their withdrawals start only when they have ended.
    const withdrawn = this.acquires.settled().then(() => this.withdrawals.settled())
    await orAborted(Promise.all([released, givenBack, withdrawn]), scope.signal).catch(() => {})
    await this.#sessions.end(scope).catch(() => {})
    scope.detach()
  }
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

  /** Resolves when every promise that is unsettled now has settled. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#promises)
  }
}

const tooLong = (): Error => new UnavailableError('the store did not answer while closing')

// Guards the claim of a hold: its session may end, and an operator can break the lock while the session lives. Owns when the store
// is asked about the claim; rounds.ts has the moments, and hold.ts reports the loss. A client may have ten thousand holds, so one at
// rest has a few small objects here: no timer, and no promise except that of the store's watch.
import { roomyController } from '../base/abort.ts'
import { type Clock, pause } from '../base/clock.ts'
import { Scope } from '../base/scope.ts'
import type { Admitted, Backend, Claim } from '../contract.ts'
import { removed } from './hold-errors.ts'
import { once } from './request.ts'
import type { Lasting, Rounds } from './rounds.ts'
import type { Guarded, Session } from './session.ts'

/** Ends a watch. A constant, since an abort without a reason creates an error with a stack. */
const ended = 'the hold has ended'

/** A claim that holds. */
export interface Watched {
  readonly backend: Backend
  readonly clock: Clock
  readonly session: Session
  readonly claim: Claim
  readonly admitted: Admitted
  /** When holds are verified: at least every third of the time to live. */
  readonly looks: Rounds
}

/**
 * Tells a hold, from `start` to `stop`, when its claim is lost: with its session, or by itself, when the store says that the claim no
 * longer stands. The store is asked when the watch begins, when it wakes, and at least every third of the time to live, since a watch
 * can fail silently.
 */
export class Lookout implements Lasting {
  readonly #watched: Watched
  readonly #hold: Guarded
  #watching: AbortController | undefined
  /** Ends the question that is under way. */
  #asking: Scope | undefined
  /** Whether to ask once more after that question. */
  #isDue = false

  constructor(watched: Watched, hold: Guarded) {
    this.#watched = watched
    this.#hold = hold
  }

  /** Calls `lose` of the hold at once if the session is over. Sends nothing. */
  start(): void {
    const { looks, session, claim } = this.#watched
    looks.enter(this)
    session.guard(claim, this.#hold)
  }

  /** The hold has ended, for whatever reason. Idempotent. */
  stop(): void {
    const { looks, session, claim } = this.#watched
    session.unguard(claim)
    looks.leave(this)
    this.#watching?.abort(ended)
    this.#asking?.end(ended)
  }

  begin(): void {
    this.#watching = roomyController()
    this.#watch(this.#watching.signal)
  }

  look(): void {
    void this.#look()
  }

  /** One watch lasts over many rounds: on some stores it costs more to begin a watch than to keep it. */
  #watch(signal: AbortSignal): void {
    const { backend, claim, admitted } = this.#watched
    // It rejects when the hold ends. The rounds go on until then, so nothing depends on a watch that fails.
    backend.changed(claim, admitted, signal).then(() => this.#woken(signal), ignore)
    this.look() // a watch misses changes from before it began
  }

  async #woken(signal: AbortSignal): Promise<void> {
    await this.#look()
    const { clock, session } = this.#watched
    // So a watch that keeps failing cannot spin.
    await pause(clock, session.ttlMs / 10, signal).then(() => this.#watch(signal), ignore)
  }

  /** Asks once, and once more if it was called meanwhile: an answer may be older than that call. Never rejects. */
  async #look(): Promise<void> {
    this.#isDue = true
    if (this.#asking) return
    const scope = new Scope()
    this.#asking = scope
    while (this.#isDue && !scope.ended) {
      this.#isDue = false
      await this.#ask(scope)
    }
    this.#asking = undefined
  }

  async #ask(scope: Scope): Promise<void> {
    const { backend, claim, session } = this.#watched
    try {
      // Ten thousand holds ask at one moment: an acquire must not wait behind them.
      const request = { ...session.requests, scope, aside: true }
      const stands = await once(request, 'verify', (signal) => backend.verify(claim, signal))
      if (!stands) this.#hold.lose(removed(claim.name))
    } catch {
      // The hold has ended, or the store is out of reach or refuses: then the session's deadline decides.
    }
  }
}

const ignore = (): void => {}

// Looks after one hold: its session may end, and an operator can break the lock while the session lives. Owns when the store is
// asked about the claim; hold.ts reports the loss. A client may have ten thousand of these, so one at rest is a few small objects:
// no timer, no promise of its own except that of the watch, and no AbortSignal before the watch begins.
import type { Hold } from '../api/hold.ts'
import { pause } from '../base/clock.ts'
import { Scope } from '../base/scope.ts'
import { tellNearLoss } from './events.ts'
import type { Grant } from './grant.ts'
import { removed } from './hold-errors.ts'
import { once } from './request.ts'
import type { Lasting } from './rounds.ts'
import type { Guarded } from './session.ts'

/** Ends the watch of a hold that was released. A constant, since an abort without a reason creates an error with a stack. */
const released = 'the hold was released'

/**
 * From `start` to `stop`, calls `lose` when the session ends, or when the store says that the claim no longer stands. Asks the
 * store when the watch begins, when it wakes, and at least every third of the time to live, since a watch can fail silently.
 */
export class Lookout implements Guarded, Lasting {
  readonly lose: (reason: Error) => void
  readonly #grant: Grant
  readonly #hold: Hold & { readonly name: string }
  #watching: AbortController | undefined
  /** Ends the question that is under way. */
  #asking: Scope | undefined
  /** Whether to ask again after that question. */
  #isDue = false

  constructor(grant: Grant, hold: Hold & { readonly name: string }, lose: (reason: Error) => void) {
    this.#grant = grant
    this.#hold = hold
    this.lose = lose
  }

  /** Calls `lose` at once if the session is over. */
  start(): void {
    const { looks, session, claim } = this.#grant
    looks.enter(this)
    session.guard(claim, this)
  }

  /** `reason` says why the hold was lost, if it was. */
  stop(reason: unknown = released): void {
    const { looks, session, claim } = this.#grant
    session.guard(claim, undefined)
    looks.leave(this)
    this.#watching?.abort(reason)
    this.#asking?.end(reason)
  }

  nearLoss(): void {
    tellNearLoss(this.#hold, this.#grant)
  }

  begin(): void {
    this.#watching = new AbortController()
    this.#watch(this.#watching.signal)
  }

  look(): void {
    void this.#look()
  }

  /** One watch lasts over many rounds: on some stores it costs more to begin a watch than to keep it. */
  #watch(signal: AbortSignal): void {
    const { backend, claim, admitted } = this.#grant
    backend
      .changed(claim, admitted, signal)
      .then(() => this.#woken(signal))
      .catch(() => {}) // it rejects when the hold ends; the rounds go on until then
    this.look() // a watch misses changes from before it began
  }

  async #woken(signal: AbortSignal): Promise<void> {
    await this.#look()
    const { clock, session } = this.#grant
    await pause(clock, session.ttlMs / 10, signal) // so a watch that keeps failing cannot spin
    this.#watch(signal)
  }

  /** Asks once more than it was called while a question was under way. Never rejects. */
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
    const { backend, claim, session } = this.#grant
    try {
      const request = { ...session.requests, scope }
      const stands = await once(request, 'verify', (signal) => backend.verify(claim, signal))
      if (!stands) this.lose(removed(claim.name))
    } catch {
      // The hold has ended, or the store is out of reach or refuses: then the session's deadline decides.
    }
  }
}

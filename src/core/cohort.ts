// An admitted claim that callers of one client hold one after the other, without a request in between. Owns until when it is
// handed over, the tokens of its holds, and which hold learns of its loss. closing.ts hands it over, and local-queue.ts knows to whom.
import type { HandoffOptions } from '../api/lock.ts'
import { type Mark, mostElapsedMs } from '../base/clock.ts'
import { tokensEach } from '../base/shapes.ts'
import type { Guarded } from './session.ts'
import { Lookout, type Watched } from './watch.ts'

/** A claim with `handoff`, from its admission to its withdrawal. */
export class Cohort implements Guarded {
  readonly watched: Watched
  readonly #bounds: HandoffOptions
  readonly #since: Mark
  readonly #claimsLost: number
  readonly #lookout: Lookout
  #number = 0n
  #isOver = false
  #lost: Error | undefined
  #hold: Guarded | undefined

  /** The claim holds since this moment. It is watched, and told by its session, until `end`. */
  constructor(watched: Watched, bounds: HandoffOptions) {
    const { clock, session } = watched
    this.watched = watched
    this.#bounds = bounds
    this.#since = clock.mark()
    this.#claimsLost = session.claimsLost
    this.#lookout = new Lookout(watched, this)
    this.#lookout.start()
  }

  /** The token of the present hold: no other hold of the name has it, and each later one has a larger one. */
  get token(): bigint {
    return this.watched.admitted.token * BigInt(tokensEach) + this.#number
  }

  /**
   * Whether the next local caller may hold the claim, computed now: neither bound is reached, the claim was not lost, and the
   * session has as much life left as the beginning of any hold needs.
   */
  get isOpen(): boolean {
    const { clock, session } = this.watched
    const { max, forMs } = this.#bounds
    if (this.#isOver || this.#hold || this.#number >= max) return false
    if (mostElapsedMs(this.#since, clock.mark()) >= forMs) return false
    return session.fresh && session.claimsLost === this.#claimsLost
  }

  /** Counts a hand-over: the next hold has the next token. */
  pass(): void {
    this.#number += 1n
  }

  /** Tells this hold of a loss, until `unguard`. */
  guard(hold: Guarded): void {
    this.#hold = hold
    if (this.#lost) hold.lose(this.#lost)
  }

  /** The present hold has ended. If it `isLast`, the claim is handed to no other hold. */
  unguard(isLast: boolean): void {
    this.#hold = undefined
    if (isLast) this.#isOver = true
  }

  lose(reason: Error): void {
    this.#isOver = true
    this.#lost = reason
    this.#hold?.lose(reason)
  }

  nearLoss(): void {
    this.#hold?.nearLoss()
  }

  /** Ends the watch: the claim is about to be withdrawn. Idempotent. */
  end(): void {
    this.#isOver = true
    this.#lookout.stop()
  }
}

// The parts of a hold: how it learns of a loss, and how its claim leaves the store and the line of this client. Owns no request:
// closing.ts sends them.
import type { LockKind } from '../api/events.ts'
import type { Hold } from '../api/hold.ts'
import type { Clock } from '../base/clock.ts'
import type { Admitted, Backend, Claim } from '../contract.ts'
import type { Cohort } from './cohort.ts'
import type { Grant } from './grant.ts'
import type { Turn } from './local-queue.ts'
import type { Rounds } from './rounds.ts'
import type { Guarded, Session } from './session.ts'
import { Lookout, type Watched } from './watch.ts'
import type { Batch, Withdrawal } from './withdrawals.ts'

/** The parts of closing.ts that a hold needs when it ends. */
interface Leaving {
  leave(hold: Hold): void
  withdraw(withdrawals: readonly Withdrawal[]): Promise<void>
}

/** An admitted claim, and the turn of the caller that gets a hold on it. */
interface Admission {
  readonly watched: Watched
  readonly kind: LockKind
  readonly turn: Turn
  /** Of a claim with `handoff`. */
  readonly cohort?: Cohort | undefined
}

/** The parts of a hold. One object without closures: it lasts as long as its hold, and a client may have ten thousand of them. */
export class Granted implements Grant, Watched, Withdrawal {
  readonly backend: Backend
  readonly clock: Clock
  readonly session: Session
  readonly claim: Claim
  readonly admitted: Admitted
  readonly looks: Rounds
  readonly kind: LockKind
  readonly turn: Turn
  readonly cohort: Cohort | undefined
  readonly token: bigint
  readonly #closing: Leaving
  readonly #ended: (() => void) | undefined
  #lookout: Lookout | undefined

  /** `ended` is called when the hold has ended. */
  constructor(closing: Leaving, ended: (() => void) | undefined, { watched, kind, turn, cohort }: Admission) {
    this.#closing = closing
    this.#ended = ended
    this.backend = watched.backend
    this.clock = watched.clock
    this.session = watched.session
    this.claim = watched.claim
    this.admitted = watched.admitted
    this.looks = watched.looks
    this.kind = kind
    this.turn = turn
    this.cohort = cohort
    this.token = cohort ? cohort.token : watched.admitted.token
  }

  get isShared(): boolean {
    return this.cohort !== undefined
  }

  guard(hold: Guarded): void {
    if (this.cohort) this.cohort.guard(hold)
    else this.#watch(hold)
  }

  unguard(isLast: boolean): void {
    if (this.cohort) this.cohort.unguard(isLast)
    else this.#lookout?.stop()
  }

  #watch(hold: Guarded): void {
    this.#lookout = new Lookout(this, hold)
    this.#lookout.start() // it may report a loss at once, and that stops it
  }

  keep(weight: number): void {
    this.turn.leave(weight)
  }

  withdraw(hold: Hold, batch?: Batch): Promise<void> {
    this.#ended?.()
    this.#closing.leave(hold)
    return batch ? batch.add(this) : this.#closing.withdraw([this])
  }
}

// The parts of a hold, and how its claim leaves the store and the line of this client. Owns no request: closing.ts sends them.
import type { LockKind } from '../api/events.ts'
import type { Hold } from '../api/hold.ts'
import type { Clock } from '../base/clock.ts'
import type { Admitted, Backend, Claim } from '../contract.ts'
import type { Grant } from './grant.ts'
import type { Turn } from './local-queue.ts'
import type { Rounds } from './rounds.ts'
import type { Session } from './session.ts'
import type { Batch, Withdrawal } from './withdrawals.ts'

/** The parts of closing.ts that a hold needs when it ends. */
interface Leaving {
  leave(hold: Hold): void
  withdraw(withdrawals: readonly Withdrawal[]): Promise<void>
}

/** The parts of a hold. One object without closures: it lasts as long as its hold, and a client may have ten thousand of them. */
export class Granted implements Grant {
  readonly backend: Backend
  readonly clock: Clock
  readonly kind: LockKind
  readonly session: Session
  readonly claim: Claim
  readonly admitted: Admitted
  readonly looks: Rounds
  readonly turn: Turn
  readonly #closing: Leaving

  constructor(closing: Leaving, parts: Omit<Grant, 'keep' | 'withdraw'> & Withdrawal) {
    this.#closing = closing
    this.backend = parts.backend
    this.clock = parts.clock
    this.kind = parts.kind
    this.session = parts.session
    this.claim = parts.claim
    this.admitted = parts.admitted
    this.looks = parts.looks
    this.turn = parts.turn
  }

  keep(weight: number): void {
    this.turn.leave(weight)
  }

  withdraw(hold: Hold, batch?: Batch): Promise<void> {
    const closing = this.#closing
    closing.leave(hold)
    return batch ? batch.add(this) : closing.withdraw([this])
  }
}

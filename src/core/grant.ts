// The parts of a hold that an acquire hands over: types only. closing.ts makes it, and hold.ts uses it.
import type { LockKind } from '../api/events.ts'
import type { Hold } from '../api/hold.ts'
import type { Clock } from '../base/clock.ts'
import type { Backend, Claim } from '../contract.ts'
import type { Guarded, Session } from './session.ts'
import type { Batch } from './withdrawals.ts'

/** The parts that an acquire gives to the hold that it makes. */
export interface Grant {
  readonly backend: Backend
  readonly clock: Clock
  readonly kind: LockKind
  readonly session: Session
  readonly claim: Claim
  /** The token of the hold. */
  readonly token: bigint
  /** Whether later holds of this client may have the same claim: then its key says nothing about this hold. */
  readonly isShared: boolean
  /** Tells the hold of a loss, until `unguard`. */
  guard(hold: Guarded): void
  /** The hold has ended. If it `isLast`, no other hold may have the claim after it. */
  unguard(isLast: boolean): void
  /** Lets the next local callers have all permits of the claim but so many. */
  keep(weight: number): void
  /** Removes the claim from the store, together with those of the batch, and lets the next local caller have its turn. */
  withdraw(hold: Hold, batch?: Batch): Promise<void>
}

// How a claim that stands in line comes to hold: the store's answers are followed until one admits it. Owns how often to
// ask while a lock-delay is in the way, and that the caller hears of its place; what a claim is, acquire.ts knows.

import type { Clock } from '../base/clock.ts'
import type { Scope } from '../base/scope.ts'
import type { Admitted, Attempt } from '../contract.ts'
import { follow } from './follow.ts'

/** How to wait for one claim. */
export interface Waiter {
  readonly clock: Clock
  readonly scope: Scope
  readonly ttlMs: number
  /** Asks again, until the store answers. */
  ask(): Promise<Attempt>
  /** Hears how many stand ahead, whenever that changes. */
  readonly onWait: ((ahead: number) => void) | undefined
}

/** How often to ask, at least, whether a lock-delay is over. */
const delayedMs = 500

/** Resolves with the answer that admits the claim, which may be the first. Rejects with the reason of the limits. */
export async function untilAdmitted(first: Attempt, waiter: Waiter): Promise<Admitted> {
  const { clock, scope, ttlMs, ask, onWait } = waiter
  const answers = follow<Attempt>(first, {
    clock,
    scope,
    ask,
    restMs: (attempt) => (isDelayed(attempt) ? delayedMs * (0.5 + clock.random() / 2) : ttlMs),
    tells: (attempt) => !isDelayed(attempt),
    isSame: (before, after) => !before.held && !after.held && before.ahead === after.ahead,
  })
  for (let told = 0; ; ) {
    const { value: attempt } = await answers.next()
    if (attempt.held) return attempt
    if (attempt.ahead !== told) onWait?.(attempt.ahead)
    told = attempt.ahead
  }
}

/** Whether only a lock-delay is in the way. */
function isDelayed(attempt: Attempt): boolean {
  return !attempt.held && attempt.delayed === true
}

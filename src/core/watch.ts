// Looks after the claim of a hold, which may vanish while its session lives on: an operator broke the lock. Owns how often
// the store is asked; what a loss means is hold.ts's.

import { type Clock, pause } from '../base/clock.ts'
import { Scope } from '../base/scope.ts'
import type { Admitted, Backend, Claim } from '../contract.ts'
import { once } from './request.ts'
import type { Session } from './session.ts'

/** A claim that holds. */
export interface Watched {
  readonly backend: Backend
  readonly clock: Clock
  readonly session: Session
  readonly claim: Claim
  readonly admitted: Admitted
}

/**
 * Calls `vanished` when the store says that the claim no longer stands, until `scope` ends. It asks when something
 * changed, and as often as the session is renewed: a watch may fail to tell.
 */
export function watchClaim(watched: Watched, scope: Scope, vanished: () => void): void {
  watch(watched, scope, vanished).catch(() => {}) // it rejects only when the scope has ended
}

async function watch(watched: Watched, scope: Scope, vanished: () => void): Promise<void> {
  const { backend, clock, session, claim, admitted } = watched
  for (;;) {
    // One watch over many rests: to begin another costs some stores more than to keep it.
    const changed = backend.changed(claim, admitted, scope.signal).then(() => true)
    changed.catch(() => {}) // it rejects when the hold ends, perhaps before it is awaited
    while (!(await verifyWhile(changed, watched, scope, vanished))) {}
    await verify(watched, scope, vanished)
    await pause(clock, session.ttlMs / 10, scope.signal) // however often the watch fails
  }
}

/** Asks the store once, since what happened before a watch began it does not tell; resolves when it is time again. */
async function verifyWhile(
  changed: Promise<boolean>,
  watched: Watched,
  scope: Scope,
  vanished: () => void,
): Promise<boolean> {
  const { clock, session } = watched
  const round = new Scope().on(scope)
  const rest = pause(clock, session.ttlMs / 3, round.signal).then(() => false)
  const woken = Promise.race([changed, rest]).finally(() => {
    round.end(undefined)
    round.lift()
  })
  woken.catch(() => {})
  await verify(watched, scope, vanished)
  return woken
}

async function verify(watched: Watched, scope: Scope, vanished: () => void): Promise<void> {
  const { backend, claim, session } = watched
  try {
    const stands = await once({ ...session.requests, scope }, (signal) => backend.verify(claim, signal))
    if (!stands) vanished()
  } catch (error) {
    // Unreachable or refused: the deadline decides.
    if (scope.ended) throw error
  }
}

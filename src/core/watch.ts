// Guards the claim of a hold: its session may end, and an operator can break the lock while the session lives. Owns how often
// the store is asked; hold.ts reports the loss.

import { type Clock, pause } from '../base/clock.ts'
import { Scope } from '../base/scope.ts'
import type { Admitted, Backend, Claim } from '../contract.ts'
import { removed } from './hold-errors.ts'
import { once } from './request.ts'
import type { Rounds } from './rounds.ts'
import type { Guarded, Session } from './session.ts'

/** Aborts the loser of the race below. A constant, since an abort without a reason creates an error with a stack. */
const rested = 'the rest is over'
/** Ends a watch, for the same reason. */
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
 * Tells the hold when its claim is lost, with its session or by itself, until the result is called. The watch of the claim starts
 * after a tenth of the time to live, so that a short hold costs no request.
 */
export function guardClaim(watched: Watched, hold: Guarded): () => void {
  const { clock, session, claim } = watched
  const unsubscribe = session.guard(claim, hold)
  let scope: Scope | undefined
  const cancel = clock.after(session.ttlMs / 10, () => {
    scope = new Scope()
    watchClaim(watched, scope, () => hold.lose(removed(claim.name)))
  })
  return () => {
    unsubscribe()
    cancel()
    scope?.end(ended)
  }
}

/**
 * Until `scope` ends, calls `vanished` when the store says that the claim no longer stands. Asks the store when the watch
 * wakes and also every third of the time to live, since a watch can fail silently.
 */
function watchClaim(watched: Watched, scope: Scope, vanished: () => void): void {
  watch(watched, scope, vanished).catch(() => {}) // it rejects only when the scope has ended
}

async function watch(watched: Watched, scope: Scope, vanished: () => void): Promise<void> {
  const { backend, clock, session, claim, admitted } = watched
  for (;;) {
    // One watch lasts over many rests: on some stores it costs more to begin a watch than to keep it.
    const changed = backend.changed(claim, admitted, scope.signal).then(() => true)
    changed.catch(() => {}) // it rejects when the hold ends, perhaps before it is awaited
    while (!(await verifyWhile(changed, watched, scope, vanished))) {}
    await verify(watched, scope, vanished)
    await pause(clock, session.ttlMs / 10, scope.signal) // so a watch that keeps failing cannot spin
  }
}

/**
 * Asks the store once, since a watch misses changes from before it began. Then resolves when it is time to ask again:
 * with true if the watch woke, with false after a third of the time to live.
 */
async function verifyWhile(
  changed: Promise<boolean>,
  watched: Watched,
  scope: Scope,
  vanished: () => void,
): Promise<boolean> {
  const { looks } = watched
  const round = new Scope().on(scope)
  const rest = looks.next(round.signal).then(() => false)
  const woken = Promise.race([changed, rest]).finally(() => {
    round.end(rested)
    round.detach()
  })
  woken.catch(() => {})
  await verify(watched, scope, vanished)
  return woken
}

async function verify(watched: Watched, scope: Scope, vanished: () => void): Promise<void> {
  const { backend, claim, session } = watched
  try {
    const stands = await once({ ...session.requests, scope }, 'verify', (signal) =>
      backend.verify(claim, signal),
    )
    if (!stands) vanished()
  } catch (error) {
    // The store is out of reach or refuses: the session's deadline decides.
    if (scope.ended) throw error
  }
}

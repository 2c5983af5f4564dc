// Looks after the claim of a hold, which may vanish while its session lives on: an operator broke the lock. Owns how often
// the store is asked; what a loss means is hold.ts's.
import type { Admitted, Backend, Claim } from './backend.ts'
import { type Clock, pause } from './clock.ts'
import { Limits } from './limits.ts'
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
 * Calls `vanished` when the store says that the claim no longer stands, until `limits` end. It asks when something
 * changed, and as often as the session is renewed: a watch may fail to tell.
 */
export function watchClaim(watched: Watched, limits: Limits, vanished: () => void): void {
  watch(watched, limits, vanished).catch(() => {}) // it rejects only when the limits have ended
}

async function watch(watched: Watched, limits: Limits, vanished: () => void): Promise<void> {
  const { clock, session, admitted } = watched
  for (;;) {
    // One watch over many rests: to begin another costs some stores more than to keep it.
    const changed = admitted.changed(limits.signal).then(() => true)
    changed.catch(() => {}) // it rejects when the hold ends, perhaps before it is awaited
    while (!(await verifyWhile(changed, watched, limits, vanished))) {}
    await verify(watched, limits, vanished)
    await pause(clock, session.ttlMs / 10, limits.signal) // however often the watch fails
  }
}

/** Asks the store once, since what happened before a watch began it does not tell; resolves when it is time again. */
async function verifyWhile(
  changed: Promise<boolean>,
  watched: Watched,
  limits: Limits,
  vanished: () => void,
): Promise<boolean> {
  const { clock, session } = watched
  const round = new Limits().on(limits)
  const rest = pause(clock, session.ttlMs / 3, round.signal).then(() => false)
  const woken = Promise.race([changed, rest]).finally(() => {
    round.end(undefined)
    round.lift()
  })
  woken.catch(() => {})
  await verify(watched, limits, vanished)
  return woken
}

async function verify(watched: Watched, limits: Limits, vanished: () => void): Promise<void> {
  const { backend, claim, session } = watched
  try {
    const stands = await once(session.request(limits), (limit) => backend.verify(claim, limit))
    if (!stands) vanished()
  } catch (error) {
    // Unreachable or refused: the deadline decides.
    if (limits.ended) throw error
  }
}

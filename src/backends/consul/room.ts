// How the first in line of a semaphore waits for a free permit. Owns which keys it watches; semaphore.ts takes the permit.
import { Scope } from '../../base/scope.ts'
import type { ClaimState } from './claims.ts'
import { hasRoom, listed, type Room, see } from './semaphore-sight.ts'
import type { Waits } from './waits.ts'
import type { Snapshot } from './wire/transport.ts'

/** From when on a waiter watches the whole name: a shorter wait need not look for holders that die. */
const deathMs = 1_000

/**
 * Waits until a permit is free, and resolves with the room that the last answer shows; undefined when it is time to ask
 * anew. So does a list that has the claim, which another change of its client has put there. The list alone changes only when a permit is taken or given back, so an answer is small and has news: others that
 * race for the permit are no faster. Later the whole name is watched, too: it shows that a holder has died. Rejects only
 * with `signal.reason`.
 */
export async function untilRoom(
  waits: Waits,
  state: ClaimState,
  index: number,
  signal: AbortSignal,
): Promise<Room | undefined> {
  const { claim, keys } = state
  const ofList = ({ entries: [lock] }: Snapshot): Room | undefined => listed(lock, claim)
  const ofName = (snapshot: Snapshot): Room => see(claim, keys, snapshot)
  const isOn = ({ list }: Room): boolean =>
    list.holders.some(({ session }) => session === state.permitSession)
  const isNews = (room: Room | undefined): boolean => !room || hasRoom(room, claim) || isOn(room)
  const scope = new Scope().onSignal(signal)
  const list = waits
    .until({ key: keys.lock }, index, (answer) => isNews(ofList(answer)), scope.signal)
    .then((answer) => answer && ofList(answer))
  const name = waits
    .spaced(deathMs, { prefix: keys.folder }, index, (answer) => isNews(ofName(answer)), scope.signal)
    .then((answer) => answer && ofName(answer))
  try {
    return await Promise.race([list, name])
  } finally {
    scope.end('the wait is over')
    scope.detach()
  }
}

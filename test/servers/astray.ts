// Locks on Consul over an unreliable network, for tests of requests that go astray: the lock that a case means, and a
// clock that asks again soon.
import { type Clock, systemClock } from '../../src/base/clock.ts'
import type { Leasehold, Mutex, Semaphore } from '../../src/index.ts'

/** Asks again soon: there are many requests to repeat. */
export const impatientClock: Clock = { ...systemClock(), random: () => 0 }

/** The lock of one name, as a mutex or as a semaphore. */
export function lockOf(client: Leasehold, permits: number): Mutex | Semaphore {
  return permits === 1 ? client.mutex('a') : client.semaphore('a', { permits })
}

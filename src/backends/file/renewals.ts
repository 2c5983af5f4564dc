// Who hangs: alive by the kernel's word, and yet not renewing. Owns what this client has seen of others'
// renewals, by its own monotonic clock, since no two processes' clocks are compared. Removes nobody.
import { type Clock, leastElapsedMs, type Mark } from '../../base/clock.ts'
import type { SessionRow } from './store.ts'

const mostSeen = 1_024

/**
 * The sessions seen by one client. It outlives single attempts, so that one who only ever tries succeeds
 * as well.
 */
export class Renewals {
  readonly #clock: Clock
  readonly #seen = new Map<string, { readonly renewals: bigint; readonly since: Mark }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Takes note of the session as it is now; true if it was seen without a renewal for its whole time to
   * live.
   */
  isOverdue({ id, ttlMs, renewals }: SessionRow): boolean {
    const now = this.#clock.mark()
    const last = this.#seen.get(id)
    if (last?.renewals === renewals) return leastElapsedMs(last.since, now) >= ttlMs
    this.#seen.set(id, { renewals, since: now })
    if (this.#seen.size > mostSeen) this.forget(this.#seen.keys().next().value)
    return false
  }

  forget(session: string | undefined): void {
    if (session !== undefined) this.#seen.delete(session)
  }
}

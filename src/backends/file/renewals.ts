// Finds sessions that hang: their process is alive, but does not renew. Owns the renewals of others that this client
// has seen, by its own monotonic clock, since clocks of two processes are never compared. Removes nothing.
import { type Clock, leastElapsedMs, type Mark } from '../../base/clock.ts'
import type { SessionRow } from './store.ts'

const mostSeen = 1_024

/**
 * The sessions seen by one client. They are kept over single attempts, so that a client that only ever tries also
 * succeeds.
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

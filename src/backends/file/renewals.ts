// Finds sessions that hang: their process is alive, but does not renew. Owns the renewals of other sessions that this
// client has seen. It times them by its own monotonic clock: clocks of two processes are never compared. Removes
// nothing.
import { type Clock, leastElapsedMs, type Mark } from '../../base/clock.ts'
import type { SessionRow } from './rows.ts'

const mostSeen = 1_024

/**
 * The sessions that one client has seen. They are kept between attempts, so that a client that only calls `tryAcquire`
 * succeeds, too.
 */
export class Renewals {
  readonly #clock: Clock
  readonly #seen = new Map<string, { readonly renewals: bigint; readonly since: Mark }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Notes the session as it is now. Returns true if it was seen without a renewal for its whole time to live. */
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

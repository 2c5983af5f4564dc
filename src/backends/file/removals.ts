// Removes dead and hanging sessions. Owns which sessions are checked, how many at a time, and that the next in line is
// woken. The kernel knows which process lives; renewals.ts finds hanging ones.
import type { Claim, Leader } from '../../contract.ts'
import type { Renewals } from './renewals.ts'
import type { Position, SessionRow } from './rows.ts'
import type { SessionFiles } from './session-files.ts'
import type { Store } from './store.ts'
import type { Waits } from './waits.ts'

/** How many sessions one look asks the kernel about: 64 cost a few ms. The next look goes on with the others. */
const probesMost = 64
/** How many sessions a new one asks the kernel about at a time. */
const probesOfNew = 4

/** Removes dead and hanging sessions for one client. */
export class Removals {
  readonly #store: Store
  readonly #files: SessionFiles
  readonly #waits: Waits
  readonly #renewals: Renewals
  #probes = 0

  constructor(store: Store, files: SessionFiles, waits: Waits, renewals: Renewals) {
    this.#store = store
    this.#files = files
    this.#waits = waits
    this.#renewals = renewals
  }

  /**
   * Removes dead and hanging sessions ahead of a claim that stands, or without its place all of the name. Returns undefined if
   * there were any, and otherwise the sessions that the claim has to look after while it waits.
   */
  clearTheWay(claim: Claim, place: Position | undefined): readonly string[] | undefined {
    const ahead = this.#ahead(claim, place)
    const removed = ahead.filter((session) => this.#removeOverdue(session))
    const isWaiting = place !== undefined && claim.wait
    const some = this.#some(isWaiting ? guards(ahead, claim.permits) : ahead)
    const dead = this.#removeIfDead(isWaiting ? some.filter((id) => !this.#files.wasJustAlive(id)) : some)
    return removed.length > 0 || dead ? undefined : some
  }

  /**
   * Removes dead sessions until it finds one that lives, and then a few more. A client that finds none knows of a possible
   * power cut; with one, the others are left to the claims that wait for them, so a connection costs the same next to any
   * number of sessions. It begins at a random one.
   */
  removeUntilAlive(random: bigint): void {
    const from = random.toString(16).padStart(16, '0')
    this.removeDead(this.#store.sessions.firstKept(probesOfNew))
    for (;;) {
      const some = this.#store.sessions.some(from, probesOfNew)
      if (some.length === 0) return
      const dead = some.filter(({ id }) => this.#files.isDead(id))
      this.removeDead(dead)
      if (dead.length < some.length) return
    }
  }

  /** Removes the first session in the line of a name if it is dead or hangs. Returns whether it was removed. */
  clearFirst(name: string): boolean {
    const [first] = this.#store.sessionsAhead(name)
    if (!first) return false
    return this.#removeOverdue(first) || this.removeDead([first])
  }

  /** The first holder of a name, after dead and hanging ones are removed. */
  leader(name: string): Leader | undefined {
    while (this.clearFirst(name)) {}
    return this.#store.leader(name)
  }

  /** Removes those of these sessions whose process is gone. Returns whether there were any. */
  removeDead(sessions: readonly SessionRow[], most: number = probesMost): boolean {
    return this.#removeIfDead(this.#some(sessions, most))
  }

  #removeIfDead(ids: readonly string[]): boolean {
    const dead = ids.filter((id) => this.#files.isDead(id))
    // Looked at again in the transaction: its process may have taken a lock again that it had dropped.
    return dead.filter((id) => this.remove(id, undefined, () => this.#files.isDead(id))).length > 0
  }

  /**
   * Removes a session and wakes the claims that may hold next. With `renewals`, only if the session is still at that
   * count, and with `still` only if that says so in the transaction.
   */
  remove(id: string, renewals?: bigint, still?: () => boolean): boolean {
    const next = this.#store.removeSession(id, renewals, () => this.#files.remove(id), still)
    this.#renewals.forget(id)
    // Deferred: we may be inside a look() of this client, and wake() could re-enter another one.
    for (const session of new Set(next)) queueMicrotask(() => this.#waits.wake(session))
    return next !== undefined
  }

  /** Removes a session that hangs, or that has only claims left. Returns whether it was removed. */
  #removeOverdue(session: SessionRow): boolean {
    const { id, renewals, stands } = session
    if (!stands) return this.remove(id)
    return this.#renewals.isOverdue(session) && this.remove(id, renewals)
  }

  /**
   * The sessions of the claims ahead that a waiter looks after. In a long line that is only its predecessor: each claim there
   * has a successor that looks after it.
   */
  #ahead({ name, permits, wait }: Claim, place: Position | undefined): SessionRow[] {
    const isFar = place !== undefined && wait && place.before > Math.max(permits, probesMost)
    if (isFar) return this.#store.predecessor(name, place.ticket)
    return this.#store.sessionsAhead(name, place?.ticket)
  }

  /** The sessions without doubles, at most as many as one look may ask about. The next look gets others. */
  #some(sessions: readonly SessionRow[], most: number = probesMost): readonly string[] {
    const ids = [...new Set(sessions.map(({ id }) => id))]
    if (ids.length <= most) return ids
    this.#probes = (this.#probes + most) % ids.length
    return [...ids.slice(this.#probes), ...ids.slice(0, this.#probes)].slice(0, most)
  }
}

/**
 * The sessions that a waiter watches: the first in line all holders, every other waiter the one before it. So one
 * waiter notices each death, and a long line does not ask the kernel a hundred times.
 */
function guards(ahead: readonly SessionRow[], permits: number): readonly SessionRow[] {
  return ahead.length <= permits ? ahead : ahead.slice(-1)
}

// The store that is open now. Owns the check that the database on the disk is still the one that was opened, and the
// reopening. backend.ts asks it for the parts of the open store before each question.
import { type Clock, type Mark, mostElapsedMs } from '../../base/clock.ts'
import { SessionGoneError } from '../../base/errors.ts'
import { Claims } from './claims.ts'
import { gone, moved } from './failure.ts'
import type { Opened } from './open-store.ts'
import { Removals } from './removals.ts'
import { Renewals } from './renewals.ts'
import type { Waits } from './waits.ts'

/** An open store, and this client's claims and removals in it. */
export interface Open extends Opened {
  readonly removals: Removals
  readonly claims: Claims
}

/** For how long a look at the place of the store counts for a claim that comes or goes, in ms. */
const recentMs = 5

/** The open store of one client. */
export class Current {
  /** The path of the database. */
  readonly path: string
  readonly #clock: Clock
  readonly #reopen: () => Promise<Opened>
  readonly #waits: Waits
  #open: Open | undefined
  /** The last look that found the store and the file of a session at their places. */
  #found: { readonly session: string; readonly at: Mark } | undefined
  #opening: Promise<Open> | undefined

  /** `reopen` opens the store again after somebody has moved or deleted the files of `opened`. */
  constructor(clock: Clock, opened: Opened, reopen: () => Promise<Opened>, waits: Waits) {
    this.#clock = clock
    this.#reopen = reopen
    this.#waits = waits
    this.path = opened.store.path
    this.#open = this.#use(opened)
  }

  /** The open store. Throws SessionGoneError if it was moved or replaced, and closes it. Costs some microseconds. */
  live(): Open {
    if (this.isLive() && this.#open) return this.#open
    throw new SessionGoneError(moved(this.path))
  }

  /**
   * The open store, for a claim that joins. Throws SessionGoneError as `live` does, and if the file of its session is not at
   * its place. A look of the last 5 ms counts, so most calls cost a microsecond.
   */
  joining(session: string): Open {
    if (this.#wasJustFound(session) && this.#open) return this.#open
    const at = this.#clock.mark()
    const open = this.live()
    if (open.files.isLost(session)) throw gone(session)
    this.#found = { session, at }
    return open
  }

  /** The open store, for a claim that waits or leaves. As `live`, but a look of the last 5 ms counts. */
  recent(session: string): Open {
    return (this.#wasJustFound(session) && this.#open) || this.live()
  }

  #wasJustFound(session: string): boolean {
    if (this.#found?.session !== session) return false
    return mostElapsedMs(this.#found.at, this.#clock.mark()) <= recentMs
  }

  /** Whether it is open, and still at its place. If not, it is closed. Costs some microseconds. */
  isLive(): boolean {
    if (this.#open?.store.wasMoved()) this.leave()
    return this.#open !== undefined
  }

  /** The store as it was at the last look; undefined if it was gone then. Costs nothing. */
  get seen(): Open | undefined {
    return this.#open
  }

  /** Closes the store. */
  leave(): void {
    const open = this.#open
    this.#open = undefined
    this.#found = undefined
    open?.files.close()
    open?.store.close()
  }

  /** Opens the store once for all callers that wait for it. A failure is not kept. */
  openAgain(): Promise<Open> {
    const use = (opened: Opened): Open => (this.#open = this.#use(opened))
    const forget = (): void => void (this.#opening = undefined)
    this.#opening ??= this.#reopen().then(use).finally(forget)
    return this.#opening
  }

  #use({ store, files }: Opened): Open {
    const removals = new Removals(store, files, this.#waits, new Renewals(this.#clock))
    return { store, files, removals, claims: new Claims(store, files, removals) }
  }
}

// The claims of one client in an open store: they join the line, have a place, and hold. Owns the meaning of a place;
// store.ts asks the database, removals.ts removes dead sessions, and waits.ts waits.
import { UnavailableError } from '../../base/errors.ts'
import type { Attempt, Claim, Kept } from '../../contract.ts'
import { inUse } from '../shared/conflict.ts'
import { ahead, fits } from '../shared/room.ts'
import type { Round } from './beats.ts'
import { gone } from './failure.ts'
import type { Removals } from './removals.ts'
import type { Obstacle, Position } from './rows.ts'
import type { SessionFiles } from './session-files.ts'
import type { Store } from './store.ts'
import type { Look } from './waits.ts'

/** The knowledge of a claim: its ticket, or undefined if the answer to its joining was lost. */
interface ClaimState {
  readonly ticket: bigint | undefined
  /** How many claims stood before it when it was last told to wait, and the sessions that it looks after since. */
  readonly before?: number
  readonly guarded?: readonly string[]
}

/** How often `ask` looks again after it removed a session, before it gives up. */
const roundsMost = 1_000

/** So many claims are looked up one by one. To read all claims of a session, SQLite has to read those of all sessions. */
const fewClaims = 64

/** All methods are synchronous and throw as `Store` does. After an error the same call may be repeated. */
export class Claims {
  readonly #store: Store
  readonly #files: SessionFiles
  readonly #removals: Removals
  /** The knowledge of the claims that may stand. */
  readonly #states = new WeakMap<Claim, ClaimState>()

  constructor(store: Store, files: SessionFiles, removals: Removals) {
    this.#store = store
    this.#files = files
    this.#removals = removals
  }

  /** The ticket of a claim that has joined. */
  ticket(claim: Claim): bigint | undefined {
    return this.#states.get(claim)?.ticket
  }

  /** The place of a claim. Undefined if it does not stand. */
  place(claim: Claim): Position | undefined {
    const ticket = this.ticket(claim)
    return ticket === undefined ? undefined : this.#store.place(claim, ticket)
  }

  /** Whether a claim holds. */
  holds(claim: Claim): boolean {
    const place = this.place(claim)
    return place !== undefined && fits(claim, place.taken)
  }

  /** Asks until the claim holds, or no dead or hanging session is left in its way. `first` is its place, if that is known. */
  ask(claim: Claim, first?: Position): Attempt {
    for (let rounds = 0; rounds < roundsMost; rounds += 1) {
      const place = (rounds === 0 && first) || (this.place(claim) ?? this.#join(claim))
      if (!place) continue
      if (fits(claim, place.taken)) return this.#admitted(place)
      const state = this.#states.get(claim)
      const guarded = this.#justSeen(place) ?? this.#removals.clearTheWay(claim, state && place)
      if (!guarded) continue
      if (state) this.#states.set(claim, { ticket: state.ticket, before: place.before, guarded })
      return { held: false, ahead: ahead(claim, place.taken, place.before) }
    }
    throw new UnavailableError(`the line of ${JSON.stringify(claim.name)} changes faster than it can be read`)
  }

  /**
   * The session that a claim looks after that has just joined the line of a mutex, if this client saw it alive a moment ago. Then
   * there is nothing to remove as far as looks can tell, and the next look asks the kernel.
   */
  #justSeen({ behind }: Position): readonly string[] | undefined {
    return behind !== undefined && this.#files.wasJustAlive(behind) ? [behind] : undefined
  }

  /** Removes a claim. Returns the sessions of the claims that are admitted instead. */
  leave(claim: Claim): string[] {
    const state = this.#states.get(claim)
    if (!state) return []
    const next = this.#store.leave(claim, state.ticket)
    this.#states.delete(claim)
    return next
  }

  /**
   * Removes a claim and puts the next one of its session in line, in one transaction. Returns the place of the next one, if it
   * joined, and the sessions of the claims that are admitted instead of the old one.
   */
  exchange(old: Claim, next: Claim): { readonly woken: string[]; readonly place?: Position | undefined } {
    const state = this.#states.get(old)
    if (!state || this.ticket(next) !== undefined) return { woken: this.leave(old) }
    this.#states.set(next, { ticket: undefined })
    const { woken, place } = this.#store.exchange(old, state.ticket, next)
    this.#states.delete(old)
    if (place) this.#states.set(next, { ticket: place.ticket })
    return { woken, place }
  }

  /** Makes a claim lighter if it holds. Returns the sessions of the claims that are admitted to the rest. */
  shrink(claim: Claim): string[] | undefined {
    const ticket = this.ticket(claim)
    return ticket === undefined ? undefined : this.#store.shrink(claim, ticket)
  }

  /** Hands a claim that holds to a session that keeps it, and says whether it holds. `leave` then removes nothing. */
  keep(claim: Claim, kept: Kept, keeper: string): boolean {
    const ticket = this.ticket(claim)
    return ticket !== undefined && this.#store.keeping.keep(claim, ticket, kept, keeper)
  }

  /** Stores a checkpoint if the claim holds, and says whether it does. It is on the disk only after `sync`. */
  checkpoint(claim: Claim, text: string): boolean {
    const ticket = this.ticket(claim)
    return ticket !== undefined && this.#store.writeCheckpoint(claim, ticket, text)
  }

  /** Replaces the value of a claim if it holds, and says whether it does. */
  proclaim(claim: Claim, value: string): boolean {
    const ticket = this.ticket(claim)
    return ticket !== undefined && this.#store.proclaim(claim, ticket, value)
  }

  /**
   * The look of a waiter. On a tick it asks only the kernel whether the processes ahead live, and not the database. The first
   * look follows an answer that has just asked the kernel: it asks again only if the line has changed since.
   */
  lookOfWaiter(claim: Claim): Look {
    let { before: lastBefore = -1, guarded } = this.#states.get(claim) ?? {}
    return (cause, round) => {
      const isDead = (session: string) => round.once(`dead ${session}`, () => this.#files.isDead(session))
      const allAlive = () => !guarded?.some(isDead)
      if (cause === 'tick' && guarded && allAlive()) return undefined
      const place = this.place(claim)
      if (!place) return 'changed'
      if (fits(claim, place.taken)) return this.#admitted(place)
      const isSame = place.before === lastBefore
      if (isSame && (cause === 'began' || (cause === 'event' && allAlive()))) return undefined
      const attempt = this.ask(claim, place)
      if (attempt.held) return attempt
      ;({ before: lastBefore = -1, guarded } = this.#states.get(claim) ?? {})
      return undefined
    }
  }

  /** Whether a claim stands. Of many claims that are looked at in one round the whole session is read once. */
  stands(claim: Claim, round: Round): boolean {
    if (round.size <= fewClaims) return this.place(claim) !== undefined
    const { session } = claim
    const tickets = round.once(`tickets ${session}`, () => this.#store.ticketsOf(session))
    return tickets.has(String(this.ticket(claim)))
  }

  /** Puts the claim in line. Undefined if the caller has to ask again, since an obstacle was removed. */
  #join(claim: Claim): Position | undefined {
    this.#states.set(claim, { ticket: undefined })
    const place = this.#store.join(claim)
    if (place) this.#states.set(claim, { ticket: place.ticket })
    return place ?? this.#notJoined(claim, this.#store.obstacle(claim))
  }

  /** Removes the obstacle, or throws it as an error. A claim that does not wait gets the place that it would have. */
  #notJoined(claim: Claim, obstacle: Obstacle): Position | undefined {
    const { sessionStands, own, permits, before, taken } = obstacle
    if (own !== undefined) {
      this.#states.set(claim, { ticket: own })
      return undefined
    }
    this.#states.delete(claim)
    if (!sessionStands) throw gone(claim.session)
    const conflict = permits !== undefined && permits !== claim.permits
    if (conflict && this.#removals.clearTheWay(claim, undefined)) throw inUse(claim, { permits })
    return conflict || claim.wait || fits(claim, taken) ? undefined : { ticket: 0n, before, taken }
  }

  #admitted({ ticket }: Position): Attempt {
    this.#store.secure(ticket)
    return { held: true, token: ticket }
  }
}

/**
 * Looks whether a holder may have lost its claim, and takes the lock of its session again if this process has dropped it.
 * `live` is the open store, and throws if there is none. Questions about the whole session are asked once in a round.
 */
export function lookOfHolder(
  claim: Claim,
  live: () => { readonly files: SessionFiles; readonly claims: Claims; readonly store: Store },
): Look {
  const { session } = claim
  return (cause, round) => {
    const { files, claims, store } = round.once('live', live)
    const isOurs = round.once(`ours ${session}`, () => {
      if (files.isLost(session)) return false
      return (
        !files.isUnlocked(session) || store.sessions.whileStanding(session, () => files.lockAgain(session))
      )
    })
    if (!isOurs) return 'changed'
    return cause !== 'tick' && !claims.stands(claim, round) ? 'changed' : undefined
  }
}

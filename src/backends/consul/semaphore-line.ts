// How a claim of a semaphore in Consul stands in line. Owns that it joins without having read the line, and the answer to a claim
// that waits: for the ticket ahead or, if it is the first, for a permit.
import type { Waiting } from '../../contract.ts'
import { ahead as between, weigh } from '../shared/room.ts'
import type { ClaimState, Claims, Predecessor } from './claims.ts'
import { joinBehind } from './entering.ts'
import type { Ticket } from './line.ts'
import type { Seats } from './seats.ts'
import { type Looks, turnOf } from './semaphore-looks.ts'
import { hasRoom, listed, type Sight } from './semaphore-sight.ts'

/** The answer to a claim that waits. */
export interface Queueing extends Waiting {
  /** The ticket before its own; undefined for the first in line, which waits for a permit. */
  readonly predecessor: Predecessor | undefined
  /** The index at which the name was read. */
  readonly index: number
  /** Whether there was room for the claim then. */
  readonly hasRoom: boolean
}

/** The places in line of one client's claims. */
export class Standing {
  readonly #claims: Claims
  readonly #looks: Looks
  readonly #seats: Seats

  constructor(claims: Claims, looks: Looks, seats: Seats) {
    this.#claims = claims
    this.#looks = looks
    this.#seats = seats
  }

  /**
   * Joins the line without having read it. Resolves with the answer to a claim that has another one ahead, with the state of
   * the list if it is the first, and with undefined if the whole name has to be read.
   */
  async join(state: ClaimState, signal: AbortSignal): Promise<Queueing | Sight | undefined> {
    const { claim } = state
    await this.#seats.take(state, signal)
    const joined = await joinBehind(this.#claims, state, state.hasLine === true, signal)
    if (!joined) return undefined
    const { lock, behind } = joined
    const sight = turnOf(state, lock ? [lock] : [])
    state.hasLine = true
    state.isFirst = !behind
    if (!behind) return sight
    if (behind.permits !== claim.permits) return undefined
    const ahead = between(claim, weigh([...sight.alive, behind]), sight.alive.length + 1)
    state.behind = { ...behind, ahead }
    return waitsFor(state.behind)
  }

  async #joinOrLook(state: ClaimState, signal: AbortSignal): Promise<Queueing | Sight> {
    const joined = await this.join(state, signal)
    if (joined && ('held' in joined || isUsual(state, joined))) return joined
    return this.#looks.all(state, signal)
  }

  /** Joins the line if the claim is to wait, and answers what it waits for. */
  async wait(state: ClaimState, before: Sight, signal: AbortSignal): Promise<Queueing> {
    const { claim } = state
    const joins = claim.wait && state.ticket === undefined
    const joined = joins ? await this.#joinOrLook(state, signal) : before
    if ('held' in joined) return joined
    const ahead = aheadOf(state, joined.tickets)
    const last = ahead.at(-1)
    const others = [...ahead, ...joined.alive]
    const count = between(claim, weigh(others), others.length)
    if (last && claim.wait) {
      state.behind = { ...last, ahead: count }
      return waitsFor(state.behind)
    }
    const alive = joined.alive.map(({ session }) => session)
    const behind = `${alive} at ${joined.list.index}`
    const { index } = joined
    return {
      held: false,
      predecessor: undefined,
      ahead: count,
      behind,
      index,
      hasRoom: hasRoom(joined, claim),
    }
  }
}

/** The tickets ahead of a claim; all of them if it has none. */
export function aheadOf({ ticket = Infinity }: ClaimState, tickets: readonly Ticket[]): Ticket[] {
  return tickets.filter(({ created }) => created < ticket)
}

/**
 * Whether the list alone tells enough: its holders may have died, but a claim that waits finds that out while it waits. A
 * list of another kind counts only if somebody uses it, which the whole name shows, and so does a claim that is on the list
 * by an answer that was lost.
 */
export function isUsual({ claim, permitSession }: ClaimState, sight: Sight): boolean {
  if (sight.lock && !listed(sight.lock, claim)) return false
  if (sight.list.holders.some(({ session }) => session === permitSession)) return false
  return claim.wait || hasRoom(sight, claim)
}

/** The answer to a claim that waits for the ticket ahead. */
export function waitsFor(predecessor: Predecessor): Queueing {
  const { ahead, key: behind } = predecessor
  return { held: false, ahead, behind, predecessor, index: 1, hasRoom: false }
}

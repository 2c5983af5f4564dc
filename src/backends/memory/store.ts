// The store itself: sessions, lines and checkpoints, as a state machine whose steps are all synchronous. backend.ts
// asks the questions. This file shows what every store has to do.

import type { Clock } from '../../base/clock.ts'
import { SessionGoneError } from '../../base/errors.ts'
import type { Claim, NameState, Overtaking, Standing } from '../../contract.ts'
import { inUse } from '../shared/conflict.ts'
import { byName } from '../shared/names.ts'
import { fits, type Sized, weigh } from '../shared/room.ts'

/** A claim in a line. Its ticket is its token: tickets only grow, and lines are served in order. */
export interface Place extends Sized {
  readonly claim: Claim
  readonly ticket: bigint
  /** The text about the claim that others read. */
  readonly value: string
}

/** The state that all clients of one store share. */
export class MemoryStore {
  /** By name, the text that a holder stored last. */
  readonly checkpoints: Map<string, string> = new Map()
  readonly #clock: Clock
  readonly #sessions = new Map<string, { ttlMs: number; cancelExpiry: () => void }>()
  readonly #lines = new Map<string, Place[]>()
  readonly #watchers = new Map<string, Set<() => void>>()
  #tickets = 0n

  constructor(clock: Clock) {
    this.#clock = clock
  }

  createSession(ttlMs: number): string {
    const id = this.#clock.id().toString(16)
    this.#sessions.set(id, { ttlMs, cancelExpiry: this.#expireAfter(id, ttlMs) })
    return id
  }

  renewSession(id: string): void {
    const session = this.#session(id)
    session.cancelExpiry()
    session.cancelExpiry = this.#expireAfter(id, session.ttlMs)
  }

  /** Ends the session and removes its claims from every line. */
  destroySession(id: string): void {
    this.#sessions.get(id)?.cancelExpiry()
    this.#sessions.delete(id)
    for (const name of this.#lines.keys()) this.#remove(name, (place) => place.claim.session === id)
  }

  /** Puts the claim at the end of the line, unless it is in the line already, or would have to wait without `wait`. */
  join(claim: Claim): void {
    this.#session(claim.session)
    const line = this.#lines.get(claim.name) ?? []
    const first = line[0]?.claim
    if (first && first.permits !== claim.permits) throw inUse(claim, first)
    if (this.position(claim) >= 0 || (!claim.wait && !fits(claim, weigh(line)))) return
    this.#tickets += 1n
    const { permits, weight, value } = claim
    this.#lines.set(claim.name, [...line, { claim, permits, weight, ticket: this.#tickets, value }])
    this.#tell(claim.name)
  }

  leave(claim: Claim): void {
    this.#remove(claim.name, (place) => isSame(place.claim, claim))
  }

  line(name: string): readonly Place[] {
    return this.#lines.get(name) ?? []
  }

  /** The number of claims ahead of this one, or -1 if it is not in its line. */
  position(claim: Claim): number {
    return this.line(claim.name).findIndex((place) => isSame(place.claim, claim))
  }

  /** Whether the claim at this place of a line holds. */
  holds(line: readonly Place[], index: number): boolean {
    const place = line[index]
    return place !== undefined && fits(place, weigh(line.slice(0, index)))
  }

  /** Makes a claim as light as it says, if it holds, and returns whether it does. */
  shrink(claim: Claim): boolean {
    const line = this.line(claim.name)
    const position = this.position(claim)
    if (!this.holds(line, position)) return false
    this.#change(claim, { weight: claim.weight })
    return true
  }

  standings(name: string): Standing[] {
    return this.line(name).map(({ claim, value, weight, ticket: token }, index, line) => {
      const shown = { session: claim.session, value, token, priority: claim.priority }
      return { ...shown, held: this.holds(line, index), ...(weight > 1 && { weight }) }
    })
  }

  survey(prefix: string): NameState[] {
    return [...this.#lines]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, line]) => ({ name, permits: line[0]?.claim.permits, claims: this.standings(name) }))
      .sort(byName)
  }

  /** Removes the claim that holds with this ticket, and returns whether there was one. */
  breakHold(name: string, ticket: bigint): boolean {
    const line = this.line(name)
    const place = line.find((each, index) => each.ticket === ticket && this.holds(line, index))
    if (place) this.leave(place.claim)
    return place !== undefined
  }

  /** `overtake` of the contract. */
  overtake(name: string, { holder, target, waiting }: Overtaking): boolean {
    const [first, ...others] = this.line(name)
    const passed = others.filter(
      ({ ticket, claim }) => waiting.includes(ticket) && claim.priority !== undefined,
    )
    const isSame = first?.ticket === holder && passed.length === waiting.length
    if (!isSame || !others.some(({ ticket }) => ticket === target)) return false
    this.#remove(name, (place) => passed.includes(place))
    return true
  }

  proclaim(claim: Claim, value: string): void {
    this.#change(claim, { value })
  }

  /** Calls `changed` after every change of the line. Returns a function that unsubscribes. */
  watch(name: string, changed: () => void): () => void {
    const watchers = this.#watchers.get(name) ?? new Set()
    this.#watchers.set(name, watchers.add(changed))
    return () => {
      watchers.delete(changed)
      if (watchers.size === 0 && this.#watchers.get(name) === watchers) this.#watchers.delete(name)
    }
  }

  #session(id: string): { ttlMs: number; cancelExpiry: () => void } {
    const session = this.#sessions.get(id)
    if (session) return session
    throw new SessionGoneError(`session ${id} expired or was ended`)
  }

  #expireAfter(id: string, ttlMs: number): () => void {
    return this.#clock.after(ttlMs, () => this.destroySession(id))
  }

  #change(claim: Claim, change: Partial<Place>): void {
    const places = this.line(claim.name).map((place) =>
      isSame(place.claim, claim) ? { ...place, ...change } : place,
    )
    this.#lines.set(claim.name, places)
    this.#tell(claim.name)
  }

  #remove(name: string, leaves: (place: Place) => boolean): void {
    const line = this.line(name)
    const rest = line.filter((place) => !leaves(place))
    if (rest.length === line.length) return
    if (rest.length > 0) this.#lines.set(name, rest)
    else this.#lines.delete(name)
    this.#tell(name)
  }

  #tell(name: string): void {
    for (const changed of [...(this.#watchers.get(name) ?? [])]) changed()
  }
}

function isSame(one: Claim, other: Claim): boolean {
  return one.session === other.session && one.id === other.id
}

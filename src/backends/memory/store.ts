// The store itself: sessions, lines and checkpoints, as a state machine whose steps are all synchronous. backend.ts
// asks the questions. This file shows what every store has to do.

import type { Clock } from '../../base/clock.ts'
import { SessionGoneError } from '../../base/errors.ts'
import type { Claim, NameState, Overtaking, Standing } from '../../contract.ts'
import { inUse } from '../shared/conflict.ts'
import { byName } from '../shared/names.ts'

/** A claim in a line. Its ticket is its token: tickets only grow, and lines are served in order. */
export interface Place {
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
    if (this.position(claim) >= 0 || (!claim.wait && line.length >= claim.permits)) return
    this.#tickets += 1n
    this.#lines.set(claim.name, [...line, { claim, ticket: this.#tickets, value: claim.value }])
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

  standings(name: string): Standing[] {
    return this.line(name).map(({ claim, value, ticket: token }, index) => {
      return { session: claim.session, value, token, held: index < claim.permits, priority: claim.priority }
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
    const place = this.line(name).find((each, index) => each.ticket === ticket && index < each.claim.permits)
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
    const places = this.line(claim.name).map((place) =>
      isSame(place.claim, claim) ? { ...place, value } : place,
    )
    this.#lines.set(claim.name, places)
    this.#tell(claim.name)
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

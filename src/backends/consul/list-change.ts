// One transaction for several changes of a semaphore's list of holders: claims of one client that leave it, one that comes on it,
// and the next in line, which it calls. Pure; list-changes.ts sends it. Owns which changes fit together, and what each requires.
import type { Claim } from '../../contract.ts'
import { fits, weigh } from '../shared/room.ts'
import type { ClaimState, Held } from './claims.ts'
import { call, heldBy, place, sign, written } from './holders.ts'
import type { Line } from './known-list.ts'
import { type NameKeys, passedKey } from './layout.ts'
import type { ListedHolder, StoredHolders, Ticket } from './line.ts'
import type { Operation, StoredKey } from './wire/transport.ts'

/** A claim that gives its permit back, by its key. */
interface Off {
  readonly state: ClaimState
  readonly off: Held
}

/** A claim that takes a permit for this session. Its turn has come. */
interface On {
  readonly state: ClaimState
  readonly on: string
}

/** A change of the list. */
export type Change = Off | On

/** The part of a transaction to which an operation belongs: a change, a ticket that is called, or the key of the list or line. */
export type Owner<C extends Change> = C | Ticket | 'list' | 'line'

/** The changes that one transaction makes. */
export interface Draft<C extends Change> {
  readonly changes: readonly C[]
  /** The changes that the list does not allow: its holder is not on it, or there is no room. */
  readonly impossible: readonly C[]
  readonly holders: readonly ListedHolder[]
  readonly operations: readonly Operation[]
  /** The owner of each operation. */
  readonly owners: readonly Owner<C>[]
  /** The tickets that it calls. */
  readonly called: readonly Ticket[]
  /** How many permits are free after it. */
  readonly room: number
}

/** A transaction takes 64 operations. The list has one, a claim that leaves one, and the first that comes at most twelve. */
const most = 64
const leavingMost = most - 1 - 12
/** A ticket that is called has four operations, and all of them together at most seven. */
const [ofTicket, ofCalls] = [4, 7]

/**
 * Composes the transaction for changes of one list. The index of the transaction is the token of the first claim that comes on it,
 * and no other hold may have that. All others make their keys anew, so each has an index of its own.
 */
export class Composer<C extends Change> {
  readonly #list: StoredHolders
  readonly #impossible: C[] = []
  readonly #leaving: C[] = []
  readonly #called: Ticket[] = []
  #signs: readonly string[] = []
  readonly #coming: C[] = []
  #holders: readonly ListedHolder[]
  /** The number of operations: the list has one. */
  #size = 1

  constructor(list: StoredHolders) {
    this.#list = list
    this.#holders = list.holders
  }

  /** Adds a change if the transaction takes it. If the list does not allow it, notes that it is impossible. */
  add(change: C): void {
    if ('off' in change) this.#takeOff(change, change.off)
    else this.#putOn(change, change.on)
  }

  /** Whether a claim could come on the list with the transaction as it is now, as the first. */
  takes(claim: Claim): boolean {
    return this.#coming.length === 0 && fits(claim, weigh(this.#holders))
  }

  /** Calls the first in line in their order, as many as fit. The next change after the last `add`. */
  call({ tickets, signs }: Line): void {
    const left = Math.max(0, Math.floor((most - this.#size - ofCalls) / ofTicket))
    for (const ticket of this.#behind(tickets).slice(0, left)) {
      if (!this.#mayCall(ticket)) break
      this.#called.push(ticket)
      this.#holders = [...this.#holders, { session: ticket.session, weight: ticket.weight }]
    }
    this.#signs = signs
  }

  /** The transaction: the claims that come, then the list, then the claims that leave, then the tickets that are called. */
  draft(keys: NameKeys): Draft<C> {
    const list = written(keys.lock, { ...this.#list, holders: this.#holders })
    const last = this.#called.at(-1)
    const parts: { readonly owner: Owner<C>; readonly operations: readonly Operation[] }[] = [
      ...this.#coming.map((owner) => ({ owner, operations: operationsOf(owner) })),
      { owner: 'list', operations: [list] },
      ...this.#leaving.map((owner) => ({ owner, operations: operationsOf(owner) })),
      ...this.#called.map((owner) => ({ owner, operations: call(keys, owner) })),
      ...(last ? [{ owner: 'line' as const, operations: sign(keys, last, this.#unneeded(keys)) }] : []),
    ]
    return {
      changes: [...this.#coming, ...this.#leaving],
      impossible: this.#impossible,
      holders: this.#holders,
      operations: parts.flatMap(({ operations }) => operations),
      owners: parts.flatMap(({ owner, operations }) => operations.map(() => owner)),
      called: this.#called,
      room: this.#list.permits - weigh(this.#holders),
    }
  }

  /** The signs of the tickets just ahead of one that is called: no other claim looks for them. */
  #unneeded(keys: NameKeys): string[] {
    const { ticket, keys: own } = this.#coming[0]?.state ?? {}
    return [...this.#signs, ...(own && ticket !== undefined ? [passedKey(keys, own.ticket)] : [])]
  }

  /** The tickets that nobody stands ahead of once this transaction is applied. */
  #behind(tickets: readonly Ticket[]): readonly Ticket[] {
    const { ticket, keys } = this.#coming[0]?.state ?? {}
    if (!keys) return tickets
    const place = tickets.findIndex(({ key, created }) => key === keys.ticket && created === ticket)
    return place < 0 ? [] : tickets.slice(place + 1)
  }

  #mayCall({ isCallable, session, permits, weight }: Ticket): boolean {
    const isListed = this.#holders.some((holder) => holder.session === session)
    const isKind = isCallable && permits === this.#list.permits
    return isKind && !isListed && fits({ permits, weight }, weigh(this.#holders))
  }

  #takeOff(change: C, { session }: Held): void {
    if (this.#leaving.length === leavingMost) return
    const left = this.#holders.filter((holder) => holder.session !== session)
    if (left.length === this.#holders.length) return void this.#impossible.push(change)
    this.#holders = left
    this.#leaving.push(change)
    this.#size += 1
  }

  /** Claims that come together have no tickets: each of them requires that nobody stands in line. */
  #putOn(change: C, session: string): void {
    const { claim, ticket } = change.state
    const size = operationsOf(change).length
    const [first] = this.#coming
    if (first && (first.state.ticket ?? ticket) !== undefined) return
    if (this.#size + size > most) return
    const isListed = this.#list.holders.some((holder) => holder.session === session)
    if (isListed || !fits(claim, weigh(this.#holders))) return void this.#impossible.push(change)
    this.#holders = [...this.#holders, { session, weight: claim.weight }]
    this.#coming.push(change)
    this.#size += size
  }
}

/** The operations of a change, without the list. */
function operationsOf(change: Change): readonly Operation[] {
  if ('off' in change) return [{ verb: 'delete', key: change.off.key }]
  return place(change.state, change.on)
}

/** Notes that the claim holds, by the answer to the transaction that put it on this list. */
export function entered(state: ClaimState, list: StoredHolders, entries: readonly StoredKey[]): Held {
  const { keys, permitSession } = state
  const own = `${keys.folder}${permitSession}`
  const line = entries.find(({ key }) => key === keys.line)
  state.holders = list
  state.lineIndex = line?.value === keys.ticket ? line.modifyIndex : undefined
  state.ticket = undefined
  state.behind = undefined
  state.called = undefined
  state.isUnproven = undefined
  state.held = heldBy(entries.findLast(({ key }) => key === own) as StoredKey)
  return state.held
}

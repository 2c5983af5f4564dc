// One transaction for several changes of a semaphore's list of holders: claims of one client that leave it, and claims that come
// on it. Pure; list-changes.ts sends it. Owns which changes fit together, and what each of them requires.
import type { Claim } from '../../contract.ts'
import { fits, weigh } from '../shared/room.ts'
import type { ClaimState, Held } from './claims.ts'
import { heldBy, place, written } from './holders.ts'
import type { ListedHolder, StoredHolders } from './line.ts'
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

/** The changes that one transaction makes. */
export interface Draft<C extends Change> {
  readonly changes: readonly C[]
  /** The changes that the list does not allow: its holder is not on it, or there is no room. */
  readonly impossible: readonly C[]
  readonly holders: readonly ListedHolder[]
  readonly operations: readonly Operation[]
  /** The change to which each operation belongs; undefined for the write of the list. */
  readonly owners: readonly (C | undefined)[]
}

/** A transaction takes 64 operations. The list has one, a claim that leaves one, and a claim that comes at most twelve. */
const leavingMost = 64 - 1 - 12

/**
 * Composes the transaction for changes of one list. At most one claim comes on it: its token is the index of the transaction, and
 * no other hold may have that.
 */
export class Composer<C extends Change> {
  readonly #list: StoredHolders
  readonly #impossible: C[] = []
  readonly #leaving: C[] = []
  #coming: C | undefined
  #holders: readonly ListedHolder[]

  constructor(list: StoredHolders) {
    this.#list = list
    this.#holders = list.holders
  }

  /** Adds a change if the transaction takes it. If the list does not allow it, notes that it is impossible. */
  add(change: C): void {
    if ('off' in change) this.#takeOff(change, change.off)
    else if (!this.#coming) this.#putOn(change, change.on)
  }

  /** Whether a claim could come on the list with the transaction as it is now. */
  takes(claim: Claim): boolean {
    return !this.#coming && fits(claim, weigh(this.#holders))
  }

  /** The transaction: the claim that comes, then the list, then the claims that leave. */
  draft({ lock }: { readonly lock: string }): Draft<C> {
    const list = written(lock, { ...this.#list, holders: this.#holders })
    const parts = [
      ...(this.#coming ? [partOf(this.#coming)] : []),
      { change: undefined, operations: [list] },
      ...this.#leaving.map(partOf),
    ]
    return {
      changes: parts.flatMap(({ change }) => change ?? []),
      impossible: this.#impossible,
      holders: this.#holders,
      operations: parts.flatMap(({ operations }) => operations),
      owners: parts.flatMap(({ change, operations }) => operations.map(() => change)),
    }
  }

  #takeOff(change: C, { session }: Held): void {
    if (this.#leaving.length === leavingMost) return
    const left = this.#holders.filter((holder) => holder.session !== session)
    if (left.length === this.#holders.length) return void this.#impossible.push(change)
    this.#holders = left
    this.#leaving.push(change)
  }

  #putOn(change: C, session: string): void {
    const { claim } = change.state
    const isListed = this.#list.holders.some((holder) => holder.session === session)
    if (isListed || !this.takes(claim)) return void this.#impossible.push(change)
    this.#holders = [...this.#holders, { session, weight: claim.weight }]
    this.#coming = change
  }
}

/** A change with its operations, without the list. */
function partOf<C extends Change>(
  change: C,
): { readonly change: C; readonly operations: readonly Operation[] } {
  if ('off' in change) return { change, operations: [{ verb: 'delete', key: change.off.key }] }
  return { change, operations: place(change.state, change.on) }
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
  state.held = heldBy(entries.findLast(({ key }) => key === own) as StoredKey)
  return state.held
}

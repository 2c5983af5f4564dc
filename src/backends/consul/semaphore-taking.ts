// How a claim takes a permit of a semaphore in Consul. Owns the one transaction for it, its repetition if a dead holder may not
// leave the list yet, and the notes of its outcome. semaphore.ts decides whose turn it is.
import type { Claim } from '../../contract.ts'
import { fits, weigh } from '../shared/room.ts'
import { type ClaimState, type Claims, type Held, ownerOf } from './claims.ts'
import { anew, delayedKeys, enter, takeOff } from './holders.ts'
import type { NameKeys } from './layout.ts'
import { readLock, type StoredHolders } from './line.ts'
import { entered } from './list-change.ts'
import { ListChanges, type Parts } from './list-changes.ts'
import type { Seats } from './seats.ts'
import { listed, type Room } from './semaphore-sight.ts'
import type { Failure, Operation, StoredKey } from './wire/transport.ts'

/** How many dead holders leave the list at a time: a transaction takes 64 operations. */
const takenOffMax = 24

/** Takes permits for the claims of one client, and gives them back. */
export class Taking {
  readonly #claims: Claims
  readonly #seats: Seats
  readonly #parts: Parts
  readonly #lists = new Map<string, ListChanges>()

  constructor(parts: Parts, claims: Claims, seats: Seats) {
    this.#claims = claims
    this.#seats = seats
    this.#parts = parts
  }

  /**
   * Puts the claim on the list, with a key of its own and out of the line. If nobody on the list has died, other changes of
   * this client may share the request. Otherwise dead holders leave the list, unless their lock-delay is not over: if they
   * leave no room, the claim is delayed.
   */
  async take(state: ClaimState, room: Room, signal: AbortSignal): Promise<Held | 'delayed' | undefined> {
    const session = await this.#seats.take(state, signal)
    return isUsual(state, room)
      ? this.#of(state, signal).make({ state, on: session }, room.list, signal)
      : this.#takeAlone(state, room, session, signal)
  }

  /**
   * Makes the key of a claim anew that was found on the list, and admits it. Others have put it there, a lost answer did, or the
   * store was restored from a snapshot: the index of the key may be that of another hold, or smaller than later tokens. Undefined if
   * the claim is not on the list as it was seen.
   */
  async confirm(state: ClaimState, signal: AbortSignal): Promise<Held | undefined> {
    const own = state.called ?? (state.isUnproven ? state.held : undefined)
    state.called = undefined
    if (!own) return undefined
    const outcome = await this.#claims.change(state, anew(state, own), signal)
    const lock = outcome.applied ? readLock(state.keys, outcome.entries) : undefined
    const { list } = (lock && listed(lock, state.claim)) ?? {}
    const isOn = list?.holders.some(({ session }) => session === ownerOf(state))
    return outcome.applied && list && isOn ? entered(state, list, outcome.entries) : undefined
  }

  /** Takes a claim that holds off the list. Returns false if it was not on it, as far as the client knows. */
  async giveBack(state: ClaimState, off: Held, signal: AbortSignal): Promise<boolean> {
    const { holders } = state
    state.holders = undefined
    const left = await this.#of(state, signal).make({ state, off }, holders, signal)
    return left !== undefined
  }

  /**
   * Waits until another change of this client admits a claim in line. Resolves with undefined if that was tried, and is not
   * certain.
   */
  admission(state: ClaimState, signal: AbortSignal): Promise<Held | undefined> {
    return this.#of(state, signal).admission(state, signal)
  }

  /** Whether claims of this client stand in the line of the name: then there is no need to ask whether there is one. */
  hasLine({ claim, keys }: ClaimState): boolean {
    return (this.#lists.get(listOf(claim, keys))?.waiting.size ?? 0) > 0
  }

  /** The changes of one list. The caller begins to wait for one at once. */
  #of({ claim, keys }: ClaimState, signal: AbortSignal): ListChanges {
    signal.throwIfAborted()
    const key = listOf(claim, keys)
    const known = this.#lists.get(key)
    if (known) return known
    const lists = new ListChanges(this.#parts, () => this.#lists.delete(key))
    this.#lists.set(key, lists)
    return lists
  }

  async #takeAlone(
    state: ClaimState,
    { list, alive }: Room,
    session: string,
    signal: AbortSignal,
  ): Promise<Held | 'delayed' | undefined> {
    const { claim } = state
    const dead = list.holders.filter((holder) => !alive.includes(holder))
    for (let off = dead.slice(0, takenOffMax); ; ) {
      const left = list.holders.filter((holder) => !off.includes(holder))
      if (!fits(claim, weigh(left))) return 'delayed'
      const { permits, weight } = claim
      const holders = { permits, holders: [...left, { session, weight }], index: list.index }
      const operations = [
        ...off.flatMap((each) => takeOff(state, each.session)),
        ...enter(state, holders, session),
      ]
      const outcome = await this.#claims.change(state, operations, signal)
      if (outcome.applied) return this.#entered(state, holders, outcome.entries)
      const delayed = delayedKeys(outcome, operations)
      if (delayed.length === 0) return this.#refused(state, outcome.failures, operations)
      off = off.filter((each) => !delayed.includes(`${state.keys.folder}${each.session}`))
    }
  }

  /** Notes that more than the list has changed: then the whole name has to be read. */
  #refused(state: ClaimState, failures: readonly Failure[], operations: readonly Operation[]): undefined {
    const { lock, ticket } = state.keys
    const isUsual = ({ key }: Operation): boolean => key === lock || key === ticket
    if (failures.some(({ operation }) => !isUsual(operations[operation] as Operation))) state.isUnusual = true
  }

  #entered(state: ClaimState, holders: StoredHolders, entries: readonly StoredKey[]): Held {
    const index = entries.findLast(({ key }) => key === state.keys.lock)?.modifyIndex ?? 0
    return entered(state, { ...holders, index }, entries)
  }
}

/** The key of a list among those of a client: lists of other permits are refused each by itself. */
function listOf({ permits }: Claim, { lock }: NameKeys): string {
  return `${permits} ${lock}`
}

/**
 * Whether nobody on the list has died, as far as the claim has seen, and the list need not be as it has seen it. A claim without a
 * ticket that has read the whole name found no ticket there, but perhaps the key `.line`.
 */
function isUsual({ claim, ticket }: ClaimState, { list, alive, isPart }: Room): boolean {
  const isKnown = ticket !== undefined || isPart === true
  return isKnown && list.permits === claim.permits && list.holders.every((each) => alive.includes(each))
}

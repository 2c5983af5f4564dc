// How a claim takes a permit of a semaphore in Consul. Owns the one transaction for it, its repetition if a dead holder may not
// leave the list yet, and the notes of its outcome. semaphore.ts decides whose turn it is.
import { SessionGoneError } from '../../base/errors.ts'
import { fits, weigh } from '../shared/room.ts'
import type { ClaimState, Claims, Held } from './claims.ts'
import { delayedKeys, enter, takeOff } from './holders.ts'
import type { StoredHolders } from './line.ts'
import { entered } from './list-change.ts'
import { ListChanges, type Parts } from './list-changes.ts'
import type { PermitSessions } from './permit-sessions.ts'
import type { Room } from './semaphore-sight.ts'
import type { Failure, Operation, StoredKey, Transport } from './wire/transport.ts'

/** How many dead holders leave the list at a time: a transaction takes 64 operations. */
const takenOffMax = 24

/** Takes permits for the claims of one client, and gives them back. */
export class Taking {
  readonly #claims: Claims
  readonly #sessions: PermitSessions
  readonly #parts: Parts
  readonly #lists = new Map<string, ListChanges>()

  constructor(transport: Transport, claims: Claims, sessions: PermitSessions) {
    this.#claims = claims
    this.#sessions = sessions
    this.#parts = { transport, claims }
  }

  /**
   * Puts the claim on the list, with a key of its own and out of the line. If nobody on the list has died, other changes of
   * this client may share the request. Otherwise dead holders leave the list, unless their lock-delay is not over: if they
   * leave no room, the claim is delayed.
   */
  async take(state: ClaimState, room: Room, signal: AbortSignal): Promise<Held | 'delayed' | undefined> {
    const { claim } = state
    const session = state.permitSession ?? (await this.#sessions.take(claim, signal))
    state.permitSession = session
    const taken = isUsual(state, room)
      ? this.#of(state, signal).make({ state, on: session }, room.list, signal)
      : this.#takeAlone(state, room, session, signal)
    return taken.catch((error) => {
      if (error instanceof SessionGoneError) state.permitSession = undefined
      return this.#sessions.failed(claim, session, error)
    })
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
    const idle = (): string | undefined => this.#sessions.takeIdle(state.claim)
    return this.#of(state, signal).admission(state, idle, signal)
  }

  /** The changes of one list. The caller begins to wait for one at once. */
  #of({ claim, keys }: ClaimState, signal: AbortSignal): ListChanges {
    signal.throwIfAborted()
    const key = `${claim.permits} ${keys.lock}`
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
    const { lock } = state.keys
    if (failures.some(({ operation }) => operations[operation]?.key !== lock)) state.isUnusual = true
  }

  #entered(state: ClaimState, holders: StoredHolders, entries: readonly StoredKey[]): Held {
    const index = entries.findLast(({ key }) => key === state.keys.lock)?.modifyIndex ?? 0
    return entered(state, { ...holders, index }, entries)
  }
}

/**
 * Whether nobody on the list has died, as far as the claim has seen, and the list need not be as it has seen it. A claim without a
 * ticket that has read the whole name found no ticket there, but perhaps the key `.line`.
 */
function isUsual({ claim, ticket }: ClaimState, { list, alive, isPart }: Room): boolean {
  const isKnown = ticket !== undefined || isPart === true
  return isKnown && list.permits === claim.permits && list.holders.every((each) => alive.includes(each))
}

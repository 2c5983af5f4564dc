// How a claim takes a permit of a semaphore in Consul. Owns the one transaction for it, its repetition if a dead holder may not
// leave the list yet, and the notes of its outcome. semaphore.ts decides whose turn it is.
import { SessionGoneError } from '../../base/errors.ts'
import { fits, weigh } from '../shared/room.ts'
import type { ClaimState, Claims, Held } from './claims.ts'
import { delayedKeys, enter, heldBy, takeOff } from './holders.ts'
import type { StoredHolders } from './line.ts'
import type { PermitSessions } from './permit-sessions.ts'
import type { Room } from './semaphore-sight.ts'
import type { Failure, Operation, StoredKey } from './wire/transport.ts'

/** How many dead holders leave the list at a time: a transaction takes 64 operations. */
const takenOffMax = 24

/** Takes permits for the claims of one client. */
export class Taking {
  readonly #claims: Claims
  readonly #sessions: PermitSessions

  constructor(claims: Claims, sessions: PermitSessions) {
    this.#claims = claims
    this.#sessions = sessions
  }

  /**
   * Puts the claim on the list, with a key of its own and out of the line, if nobody has changed the list. Dead
   * holders leave the list, unless their lock-delay is not over: if they leave no room, the claim is delayed.
   */
  async take(
    state: ClaimState,
    { list, alive }: Room,
    signal: AbortSignal,
  ): Promise<Held | 'delayed' | undefined> {
    const { claim } = state
    const session = state.permitSession ?? (await this.#sessions.take(claim, signal))
    state.permitSession = session
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
      const outcome = await this.#claims.change(state, operations, signal).catch((error) => {
        if (error instanceof SessionGoneError) state.permitSession = undefined
        return this.#sessions.failed(claim, session, error)
      })
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
    const { keys, permitSession } = state
    const find = (wanted: string): StoredKey => entries.findLast(({ key }) => key === wanted) as StoredKey
    state.holders = { ...holders, index: find(keys.lock).modifyIndex }
    const line = entries.find(({ key }) => key === keys.line)
    state.lineIndex = line?.value === keys.ticket ? line.modifyIndex : undefined
    state.ticket = undefined
    state.behind = undefined
    state.held = heldBy(find(`${keys.folder}${permitSession}`))
    return state.held
  }
}

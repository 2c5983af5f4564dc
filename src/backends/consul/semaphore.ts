// A semaphore in Consul: the list of holders of Go's api.Semaphore in NAME/.lock decides, and each holder has a key NAME/<session>.
// Tickets order the claims of Leasehold. Owns how that list is changed, and when a dead holder leaves it.

import { SessionGoneError, UnavailableError } from '../../base/errors.ts'
import type { Waiting } from '../../contract.ts'
import { inUse } from '../shared/conflict.ts'
import { ahead as between, fits, weigh } from '../shared/room.ts'
import type { ClaimState, Claims, Held, Holding, Protocol } from './claims.ts'
import { join } from './entering.ts'
import {
  admitted,
  delayedKeys,
  enter,
  heldBy,
  isLeft,
  isWhole,
  lighter,
  removal,
  takeOff,
  without,
} from './holders.ts'
import type { Leaving } from './leaving.ts'
import { checkKind, readTickets, type StoredHolders, type Ticket } from './line.ts'
import type { PermitSessions } from './permit-sessions.ts'
import { untilRoom } from './room.ts'
import { hasRoom, type Room, type Sight, see } from './semaphore-sight.ts'
import type { Waits } from './waits.ts'
import type { StoredKey, Transport } from './wire/transport.ts'

/** An answer to a claim on a semaphore, with its proof: the key by which it holds, or the ticket that it waits for. */
type Answer = Holding | Queueing
interface Queueing extends Waiting {
  /** The ticket before its own; undefined for the first in line, which waits for a permit. */
  readonly predecessor: Ticket | undefined
  /** The index at which the name was read. */
  readonly index: number
}

/** The parts of one client that its semaphores need. */
type Parts = { claims: Claims; leaving: Leaving; waits: Waits; sessions: PermitSessions }

const triesMax = 8
/** How many dead holders leave the list at a time: a transaction takes 64 operations. */
const takenOffMax = 24

/** The semaphores of one client. */
export class Semaphores implements Protocol {
  readonly #transport: Transport
  readonly #claims: Claims
  readonly #leaving: Leaving
  readonly #waits: Waits
  readonly #sessions: PermitSessions

  constructor(transport: Transport, parts: Parts) {
    this.#transport = transport
    this.#claims = parts.claims
    this.#leaving = parts.leaving
    this.#waits = parts.waits
    this.#sessions = parts.sessions
  }

  /**
   * Puts the claim on the list, or in line. If the last wait saw a free permit, this is one transaction: others that
   * race for it need no more. Otherwise the holders and the waiters are read first.
   */
  async attempt(state: ClaimState, signal: AbortSignal): Promise<Answer> {
    const { room, held, ticket } = state
    state.room = undefined
    const stands = !held && ticket !== undefined
    // The room is a hint and decides nothing: the transaction checks every condition.
    const taken = room && stands && (await this.#take(state, room, signal))
    return taken && taken !== 'delayed' ? admitted(taken) : this.#advance(state, signal)
  }

  async #advance(state: ClaimState, signal: AbortSignal, tries: number = triesMax): Promise<Answer> {
    const before = state.held
    const sight = await this.#look(state, signal)
    if (state.held) return admitted(before ? state.held : await this.#admitAnew(state, sight, signal))
    this.#check(state, sight)
    if (this.#ahead(state, sight.tickets).length > 0 || !hasRoom(sight, state.claim)) {
      const answer = await this.#wait(state, sight, signal)
      // The claims ahead left while this one joined: then the list need not change for its turn to come.
      const isTurn = !answer.predecessor && hasRoom(sight, state.claim) && state.ticket !== undefined
      return isTurn && tries > 1 ? this.#advance(state, signal, tries - 1) : answer
    }
    const held = await this.#take(state, sight, signal)
    if (held === 'delayed') return { ...(await this.#wait(state, sight, signal)), delayed: true }
    if (held) return admitted(held)
    if (tries === 1) throw new UnavailableError('the semaphore changed too fast to take a permit; ask again')
    return this.#advance(state, signal, tries - 1)
  }

  /**
   * A holder watches its key. A waiter watches the ticket before its own or, if there is none, the list, until a permit
   * is free.
   */
  async changed(state: ClaimState, answer: Answer, signal: AbortSignal): Promise<undefined> {
    if (answer.held) {
      await this.#waits.untilTaken(answer.by, signal)
      return
    }
    const { predecessor, index } = answer
    if (predecessor) await this.#waits.until({ key: predecessor.key }, predecessor.modified, isLeft, signal)
    else state.room = await untilRoom(this.#waits, state, index, signal)
  }

  async verify(state: ClaimState, signal: AbortSignal): Promise<boolean> {
    await this.#look(state, signal)
    return state.held !== undefined
  }

  async release(state: ClaimState, signal: AbortSignal): Promise<void> {
    const { claim, held } = state
    const left = held && (await this.#giveUp(state, held, signal))
    const own = state.stray ?? held
    if (own && !left) {
      // Somebody else took it off the list: then only the holder's own key is left.
      await this.#transport.txn(removal(own), signal, 'gives back')
    }
    if (!left && (held || state.ticket !== undefined)) await this.#leaving.leave(state, [], signal)
    const { permitSession } = state
    if (permitSession) await this.#sessions.giveBack(claim, permitSession, signal)
  }

  /** Takes the claim off the list and out of the line. Returns whether it was on the list. */
  async #giveUp(state: ClaimState, held: Held, signal: AbortSignal, tries = triesMax): Promise<boolean> {
    const list = state.holders ?? (await this.#look(state, signal)).list
    state.holders = undefined
    if (!state.held) return false
    const off = without(state.keys.lock, list, held.session)
    if (await this.#leaving.leave(state, [off, { verb: 'delete', key: held.key }], signal)) return true
    if (tries === 1) throw new UnavailableError('the list of holders changed too fast to leave it; ask again')
    return this.#giveUp(state, held, signal, tries - 1)
  }

  /**
   * Notes on the list that the claim has fewer permits, which wakes the first in line. Returns whether the claim holds.
   */
  async shrink(state: ClaimState, signal: AbortSignal, tries: number = triesMax): Promise<boolean> {
    const { claim, keys } = state
    const { list } = await this.#look(state, signal)
    const { held } = state
    if (!held) return false
    if (list.holders.some(({ session, weight }) => session === held.session && weight === claim.weight))
      return true
    state.holders = undefined
    const outcome = await this.#transport.txn(lighter(keys.lock, held, list, claim.weight), signal)
    if (outcome.applied) return true
    if (tries === 1) throw new UnavailableError('the list of holders changed too fast; ask again')
    return this.shrink(state, signal, tries - 1)
  }

  /**
   * Reads the name, and notes whether the claim is on the list or in line: an answer that said so may have been lost.
   */
  async #look(state: ClaimState, signal: AbortSignal): Promise<Sight> {
    const { claim, keys, permitSession } = state
    const sight = see(claim, keys, await this.#transport.read({ prefix: keys.folder }, signal))
    const own = sight.contenders.find(({ session }) => session === permitSession)
    const same = state.held === undefined || state.held.created === own?.createIndex
    const listed = own && same && sight.list.holders.some((each) => isWhole(each, own, claim))
    state.stray = own && !listed ? heldBy(own, state.held) : undefined
    state.held = listed ? heldBy(own, state.held) : undefined
    if (state.held) state.holders = sight.list
    state.ticket ??= sight.tickets.find(({ key }) => key === keys.ticket)?.created
    return sight
  }

  /**
   * Admits a claim that is on the list by a lost answer or a restored snapshot. Its index may be older than other
   * tokens.
   */
  async #admitAnew(state: ClaimState, { contenders }: Sight, signal: AbortSignal): Promise<Held> {
    const own = contenders.find(({ session }) => session === state.permitSession) as StoredKey
    const again = await this.#claims.renewIndex(state, own, signal)
    state.held = { ...heldBy(again), token: BigInt(again.modifyIndex) }
    return state.held
  }

  /** Throws if the claim cannot wait any longer: the name is of another kind, or its ticket is gone. */
  #check(state: ClaimState, { lock, list, alive, tickets, contenders }: Sight): void {
    const { claim, keys } = state
    const others = this.#ahead(state, tickets)
    checkKind(lock, others, claim)
    const used = alive.length > 0 || contenders.length > 0
    if (lock && used && list.permits !== claim.permits) throw inUse(claim, list)
    if (state.ticket === undefined || tickets.some(({ key }) => key === keys.ticket)) return
    state.ticket = undefined
    throw new UnavailableError('the claim was removed from Consul while it waited')
  }

  #ahead({ ticket = Infinity }: ClaimState, tickets: readonly Ticket[]): Ticket[] {
    return tickets.filter(({ created }) => created < ticket)
  }

  /**
   * Puts the claim on the list, with a key of its own and out of the line, if nobody has changed the list. Dead
   * holders leave the list, unless their lock-delay is not over: if they leave no room, the claim is delayed.
   */
  async #take(
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
        return this.#sessions.failed(claim, session, error, signal)
      })
      if (outcome.applied) return this.#entered(state, holders, outcome.entries)
      const delayed = delayedKeys(outcome, operations)
      if (delayed.length === 0) return undefined
      off = off.filter((each) => !delayed.includes(`${state.keys.folder}${each.session}`))
    }
  }

  #entered(state: ClaimState, holders: StoredHolders, entries: readonly StoredKey[]): Held {
    const { keys, permitSession } = state
    const find = (wanted: string): StoredKey => entries.findLast(({ key }) => key === wanted) as StoredKey
    state.holders = { ...holders, index: find(keys.lock).modifyIndex }
    state.ticket = undefined
    state.held = heldBy(find(`${keys.folder}${permitSession}`))
    return state.held
  }

  async #wait(state: ClaimState, sight: Sight, signal: AbortSignal): Promise<Queueing> {
    const { claim, keys } = state
    const joins = claim.wait && state.ticket === undefined
    const tickets = joins ? readTickets(keys, await join(this.#claims, state, signal)) : sight.tickets
    const ahead = this.#ahead(state, tickets)
    const others = [...ahead, ...sight.alive]
    const before = between(claim, weigh(others), others.length)
    const predecessor = ahead.at(-1)
    const alive = sight.alive.map(({ session }) => session)
    const behind = predecessor?.key ?? `${alive} at ${sight.list.index}`
    return { held: false, ahead: before, behind, predecessor, index: sight.index }
  }
}

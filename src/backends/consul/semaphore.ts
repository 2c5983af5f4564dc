// A semaphore in Consul: the list of holders of Go's api.Semaphore in NAME/.lock decides, and each holder has a key NAME/<session>.
// Tickets order the claims of Leasehold. Owns the steps of a claim, from its first question to its release.

import { orAborted } from '../../base/abort.ts'
import { UnavailableError } from '../../base/errors.ts'
import { Scope } from '../../base/scope.ts'
import { cohortPermits } from '../../base/shapes.ts'
import { inUse } from '../shared/conflict.ts'
import { type ClaimState, type Claims, type Held, type Holding, ownerOf, type Protocol } from './claims.ts'
import { admitted, isLeft, lighter, removal } from './holders.ts'
import type { Leaving } from './leaving.ts'
import { checkKind } from './line.ts'
import type { PermitSessions } from './permit-sessions.ts'
import { untilRoom } from './room.ts'
import { Seats } from './seats.ts'
import { aheadOf, isUsual, type Queueing, Standing, waitsFor } from './semaphore-line.ts'
import { Looks } from './semaphore-looks.ts'
import { hasRoom, type Sight } from './semaphore-sight.ts'
import { Taking } from './semaphore-taking.ts'
import type { Waits } from './waits.ts'
import type { Operation, Transport } from './wire/transport.ts'

/** An answer to a claim on a semaphore, with its proof: the key by which it holds, or the ticket that it waits for. */
type Answer = Holding | Queueing

/** The parts of one client that its semaphores need. */
type Parts = { claims: Claims; leaving: Leaving; waits: Waits; sessions: PermitSessions }

const triesMax = 8
/** The reason that ends the loser of a race. A constant, since an error would have a stack. */
const over = 'the wait is over'

/** The semaphores of one client. */
export class Semaphores implements Protocol {
  readonly #transport: Transport
  readonly #claims: Claims
  readonly #leaving: Leaving
  readonly #waits: Waits
  readonly #seats: Seats
  readonly #looks: Looks
  readonly #line: Standing
  readonly #taking: Taking

  constructor(transport: Transport, parts: Parts) {
    this.#transport = transport
    this.#claims = parts.claims
    this.#leaving = parts.leaving
    this.#waits = parts.waits
    this.#seats = new Seats(parts.claims, parts.sessions)
    this.#looks = new Looks(transport)
    this.#line = new Standing(parts.claims, this.#looks, this.#seats)
    this.#taking = new Taking({ transport, ...parts }, parts.claims, this.#seats)
  }

  /**
   * Puts the claim on the list, or in line. If the last wait saw a free permit, this is one transaction: others that
   * race for it need no more. So it is if another change has put it on the list. Otherwise the holders and the waiters are read
   * first.
   */
  async attempt(state: ClaimState, signal: AbortSignal): Promise<Answer> {
    try {
      if (state.entering) await orAborted(state.entering, signal)
      const held = await this.#taken(state, signal)
      return held ? admitted(held) : await this.#advance(state, signal)
    } catch (error) {
      return this.#seats.failed(state, error)
    }
  }

  /** Takes the permit that the last wait saw. */
  async #taken(state: ClaimState, signal: AbortSignal): Promise<Held | undefined> {
    const { room, held, ticket, isFirst, isWoken, called } = state
    state.room = undefined
    state.isWoken = undefined
    const stands = !held && !called && ticket !== undefined
    // Nothing has woken it: once per time to live it looks for holders that died, in case its wait does not tell.
    if (stands && !room && isFirst && !isWoken) state.isUnusual = true
    // The room is a hint and decides nothing: the transaction checks every condition.
    const taken = room && stands && (await this.#taking.take(state, room, signal))
    return taken && taken !== 'delayed' ? taken : undefined
  }

  async #advance(state: ClaimState, signal: AbortSignal, tries: number = triesMax): Promise<Answer> {
    const called = await this.#taking.confirm(state, signal)
    if (called) return admitted(called)
    const { held: before, behind, isUnproven } = state
    if (before && !isUnproven && (await this.verify(state, signal))) return admitted(before)
    if (behind && (await this.#looks.isBehind(state, signal))) return waitsFor(behind)
    const sight = await this.#look(state, signal)
    if (sight && 'held' in sight) return sight
    const answer = sight && !state.held && (await this.#answer(state, sight, signal))
    if (answer) return answer
    if (tries === 1) throw new UnavailableError('the semaphore changed too fast to take a permit; ask again')
    return this.#advance(state, signal, tries - 1)
  }

  /**
   * The state of the name, or the answer to a claim that joins the line; undefined if others have called it. Reads no more than it
   * needs.
   */
  async #look(state: ClaimState, signal: AbortSignal): Promise<Queueing | Sight | undefined> {
    const { claim } = state
    if (state.ticket === undefined && this.#taking.hasLine(state)) state.hasLine = true
    const joins = (): boolean =>
      claim.wait && !state.held && state.ticket === undefined && state.hasLine === true
    const near = joins() ? undefined : await this.#looks.turn(state, signal)
    if (state.called) return undefined
    const part = near ?? (joins() ? await this.#line.join(state, signal) : undefined)
    const tells = part && ('held' in part || isUsual(state, part))
    return tells ? part : this.#looks.all(state, signal)
  }

  /** The answer in this state of the name: takes a permit, or joins the line. Undefined if the state has changed. */
  async #answer(state: ClaimState, sight: Sight, signal: AbortSignal): Promise<Answer | undefined> {
    const { claim } = state
    this.#check(state, sight)
    const last = aheadOf(state, sight.tickets).at(-1)
    if (!last && hasRoom(sight, claim)) {
      const held = await this.#taking.take(state, sight, signal)
      if (held && held !== 'delayed') return admitted(held)
      if (!held) return undefined
      return { ...(await this.#line.wait(state, sight, signal)), delayed: true }
    }
    const answer = await this.#line.wait(state, sight, signal)
    // The claims ahead left while this one joined: then the list need not change for its turn to come.
    const isTurn = !answer.predecessor && answer.hasRoom && state.ticket !== undefined
    return isTurn ? undefined : answer
  }

  /**
   * A holder watches its key. A waiter watches the ticket before its own or, if there is none, the list, until a permit
   * is free. Meanwhile another change of this client may admit it.
   */
  async changed(state: ClaimState, answer: Answer, signal: AbortSignal): Promise<Answer | undefined> {
    if (answer.held) {
      await this.#waits.untilTaken(answer.by, signal)
      return undefined
    }
    const scope = new Scope().onSignal(signal)
    const watched = new Scope().onSignal(signal)
    const turn = this.#untilTurn(state, answer, watched.signal).then(() => admits(state))
    turn.catch(() => {}) // it may end after this wait
    try {
      const held = await Promise.race([this.#taking.admission(state, scope.signal), turn])
      // Its blocking read ends by itself now: the server keeps one that is given up.
      watched.detach()
      return held && admitted(held)
    } finally {
      scope.end(over)
      scope.detach()
    }
  }

  /** Waits until the turn of a claim in line may have come, and notes what the wait saw. */
  async #untilTurn(state: ClaimState, { predecessor, index }: Queueing, signal: AbortSignal): Promise<void> {
    if (!predecessor) {
      state.room = await untilRoom(this.#waits, state, index, signal)
      return
    }
    const { key, modified } = predecessor
    const left = await this.#waits.until({ key }, modified, isLeft, signal)
    if (!left) return
    state.isWoken = true
    if (state.behind) state.behind = { ...state.behind, left: true }
  }

  async verify(state: ClaimState, signal: AbortSignal): Promise<boolean> {
    await this.#looks.own(state, signal)
    return state.held !== undefined
  }

  async release(state: ClaimState, signal: AbortSignal): Promise<void> {
    const held = state.held ?? state.called
    state.called = undefined
    const left = held && (await this.#giveUp(state, held, signal))
    const own = state.stray ?? held
    if (own && !left) {
      // Somebody else took it off the list: then only the holder's own key is left.
      await this.#transport.txn(removal(own), signal, 'gives back')
    }
    if (left) await this.#leaving.endLine(state, signal)
    else if (held) await this.#leaving.leave(state, [], signal)
    else await this.#leaveLine(state, signal)
    this.#seats.giveBack(state)
  }

  /** Gives up the place in line. If the ticket is gone, others may have put the claim on the list at this moment. */
  async #leaveLine(state: ClaimState, signal: AbortSignal): Promise<void> {
    if (state.ticket === undefined) return this.#leaving.endLine(state, signal)
    const stands: Operation = { verb: 'check-session', key: state.keys.ticket, session: ownerOf(state) }
    if (await this.#leaving.leave(state, [stands], signal)) return
    await this.#looks.own(state, signal)
    if (state.held || state.stray) return this.release(state, signal)
    await this.#leaving.leave(state, [], signal)
  }

  /** Takes the claim off the list. Returns whether it was on the list. */
  async #giveUp(state: ClaimState, held: Held, signal: AbortSignal): Promise<boolean> {
    for (let tries = 0; tries < triesMax; tries += 1) {
      if (!state.holders) await this.#looks.own(state, signal)
      if (!state.held) return false
      if (await this.#taking.giveBack(state, held, signal)) return true
    }
    throw new UnavailableError('the list of holders changed too fast to leave it; ask again')
  }

  /**
   * Notes on the list that the claim has fewer permits, which wakes the first in line. Returns whether the claim holds.
   */
  async shrink(state: ClaimState, signal: AbortSignal, tries: number = triesMax): Promise<boolean> {
    const { claim, keys } = state
    const { list } = await this.#looks.own(state, signal)
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

  /** Throws if the claim cannot wait any longer: the name is of another kind, or its ticket is gone. */
  #check(state: ClaimState, { lock, list, alive, tickets, contenders, isPart }: Sight): void {
    const { claim, keys } = state
    const others = aheadOf(state, tickets)
    checkKind(lock, others, claim)
    const used = alive.length > 0 || contenders.length > 0
    if (lock && used && list.permits !== claim.permits) throw inUse(claim, list)
    // The list of a mutex with `handoff` keeps its form also while nobody uses it.
    if (lock && list.permits === cohortPermits && list.permits !== claim.permits)
      throw inUse(claim, { permits: cohortPermits, key: lock.key, leftOver: true })
    if (state.ticket === undefined || isPart || tickets.some(({ key }) => key === keys.ticket)) return
    state.ticket = undefined
    throw new UnavailableError('the claim was removed from Consul while it waited')
  }
}

/** Waits for a change under way that may admit the claim: the wait for its turn may have seen it before its answer came. */
async function admits({ entering }: ClaimState): Promise<undefined> {
  await entering
}

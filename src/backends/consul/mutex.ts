// A mutex in Consul: the session that holds the key NAME/.lock, with the flags of Go's api.Lock, has the lock. Tickets
// order the claims of Leasehold. Owns the steps of a claim: each is one transaction, with a condition for everything that
// it relies on.

import { UnavailableError } from '../../base/errors.ts'
import { quoted } from '../../base/printable.ts'
import type { ClaimState, Claims, Holding, Predecessor, Protocol, Sight } from './claims.ts'
import { joinBehind } from './entering.ts'
import { lockFlags } from './layout.ts'
import { type Leaving, signsMax } from './leaving.ts'
import { checkKind, readLock, readPassed, readTickets } from './line.ts'
import {
  type Answer,
  admitted,
  free,
  heldBy,
  isDelayed,
  isLeft,
  made,
  type Queueing,
  take,
  unchanged,
  waiting,
} from './mutex-steps.ts'
import type { Waits } from './waits.ts'
import type { Operation, StoredKey, Transport } from './wire/transport.ts'

const triesMax = 8

/** The mutexes of one client. */
export class Mutexes implements Protocol {
  readonly #transport: Transport
  readonly #claims: Claims
  readonly #leaving: Leaving
  readonly #waits: Waits

  constructor(transport: Transport, claims: Claims, leaving: Leaving, waits: Waits) {
    this.#transport = transport
    this.#claims = claims
    this.#leaving = leaving
    this.#waits = waits
  }

  /**
   * If the name is unused, this is one transaction with the conditions: no line, no lock. Otherwise a claim with
   * `wait` puts a ticket in line, and takes the lock when no older ticket is left.
   */
  async attempt(state: ClaimState, signal: AbortSignal): Promise<Answer> {
    if (state.held && (await this.verify(state, signal))) return admitted(state.held)
    if (state.ticket === undefined) {
      const operations = take(state, free)
      const outcome = await this.#claims.changeTogether(state, operations, signal)
      if (outcome.applied) return this.#admit(state, outcome.entries)
      const hasLine = outcome.failures.some(({ operation }) => operations[operation]?.key === state.keys.line)
      if (state.claim.wait) state.sight = await this.#join(state, hasLine, signal)
    }
    return this.#advance(state, signal)
  }

  /** A holder watches its key. A waiter watches the ticket before its own or, if there is none, the lock. */
  changed(state: ClaimState, answer: Answer, signal: AbortSignal): Promise<undefined> {
    return answer.held ? this.#waits.untilTaken(answer.by, signal) : this.#moved(state, answer, signal)
  }

  async #moved(state: ClaimState, { sight }: Queueing, signal: AbortSignal): Promise<undefined> {
    if (!sight) return
    const { lock, behind } = sight
    const seen = behind ? await this.#passed(state, behind, signal) : await this.#lock(lock, signal)
    if (seen) state.sight = seen
  }

  async verify(state: ClaimState, signal: AbortSignal): Promise<boolean> {
    const { entries } = await this.#transport.read({ key: state.keys.lock }, signal)
    const lock = readLock(state.keys, entries)
    const mine = lock?.session === state.claim.session
    const same = state.held === undefined || state.held.created === lock?.createIndex
    state.held = mine && same ? heldBy(await this.#mended(state, lock, signal), state.held) : undefined
    return state.held !== undefined
  }

  /**
   * The key of a hold, with its value and flags written again if a stranger's `kv put` has replaced them. Such a write
   * leaves the session, so the claim still holds, but other claims take the key for that of another program. Throws
   * UnavailableError if the key was written meanwhile.
   */
  async #mended(
    { claim, keys, value }: ClaimState,
    lock: StoredKey,
    signal: AbortSignal,
  ): Promise<StoredKey> {
    if (lock.flags === lockFlags) return lock
    const { session } = claim
    const own: Operation = { verb: 'lock', key: keys.lock, value, flags: lockFlags, session }
    const outcome = await this.#transport.txn([unchanged(keys.lock, lock), own], signal)
    const mended = outcome.applied ? readLock(keys, outcome.entries) : undefined
    if (!mended) throw new UnavailableError(`another client writes the key ${quoted(keys.lock)}; ask again`)
    return mended
  }

  async release(state: ClaimState, signal: AbortSignal): Promise<void> {
    const { held, keys } = state
    if (!held) return this.#leave(state, signal)
    const lock: Operation = { verb: 'delete-cas', key: keys.lock, index: held.modified }
    if (await this.#leaving.pass(state, [lock], signal)) return
    // Another client wrote a key, or the lock is no longer ours.
    if (!(await this.verify(state, signal))) return this.#leave(state, signal)
    if (await this.#leaving.leave(state, [{ ...lock, index: held.modified }], signal)) return
    throw new UnavailableError(`the key ${quoted(keys.lock)} was written meanwhile; ask again`)
  }

  /**
   * Takes the lock for the next claim of a session in the transaction in which the old one loses it, on the condition that
   * nobody stands in line. Undefined if that is not so, or not known: then nothing was changed. A late copy changes nothing
   * either, since it requires the key of the lock as the old claim left it.
   */
  async replace(old: ClaimState, state: ClaimState, signal: AbortSignal): Promise<Answer | undefined> {
    const { held, ticket, unanswered, isKept } = old
    const isPlain = held && ticket === undefined && !unanswered && !isKept
    if (!isPlain || state.unanswered || state.held) return undefined
    const operations = take(state, { lock: { modifyIndex: held.modified } })
    const outcome = await this.#claims.changeTogether(state, operations, signal)
    return outcome.applied ? this.#admit(state, outcome.entries) : undefined
  }

  async #leave(state: ClaimState, signal: AbortSignal): Promise<void> {
    if (state.ticket !== undefined) await this.#leaving.leave(state, [], signal)
  }

  /** Undefined if the whole line has to be read. */
  async #join(state: ClaimState, hasLine: boolean, signal: AbortSignal): Promise<Sight | undefined> {
    const joined = await joinBehind(this.#claims, state, hasLine, signal)
    state.behind = joined?.behind
    const isKind = !joined?.behind || joined.behind.permits === state.claim.permits
    return joined && isKind ? { ...free, ...joined } : undefined
  }

  /** The answer to a claim that waits for its predecessor, if both still stand; costs the same however long the line is. */
  async #near(state: ClaimState, signal: AbortSignal): Promise<Sight | undefined> {
    const { behind, keys, claim, ticket } = state
    if (!behind || behind.left || ticket === undefined) return undefined
    const stand = [{ key: keys.ticket, session: claim.session }, behind].map(
      ({ key, session }): Operation => ({ verb: 'check-session', key, session }),
    )
    const { applied } = await this.#transport.txn(stand, signal)
    return applied ? { ...free, behind } : undefined
  }

  async #look(state: ClaimState, signal: AbortSignal): Promise<Sight> {
    const { line, lock, passed } = state.keys
    const reads = [line, lock, passed].map((key): Operation => ({ verb: 'get-tree', key }))
    const outcome = await this.#transport.txn(reads, signal)
    const entries = outcome.applied ? outcome.entries : [] // reads do not fail
    const own = readTickets(state.keys, entries).find(({ key }) => key === state.keys.ticket)
    const stands = state.ticket === undefined || own
    state.ticket = own?.created
    if (stands) return this.#see(state, entries)
    throw new UnavailableError('the claim was removed from Consul while it waited')
  }

  /** The whole line in one state. The claim then waits for the last ticket ahead. */
  #see(state: ClaimState, entries: readonly StoredKey[]): Sight {
    const { keys, claim, ticket = Infinity } = state
    const ahead = readTickets(keys, entries).filter(({ created }) => created < ticket)
    const [lock, line] = [readLock(keys, entries), entries.find(({ key }) => key === keys.line)]
    checkKind(lock, ahead, claim)
    const last = ahead.at(-1)
    const holderInLine = !lock?.session || ahead.some(({ session }) => session === lock.session)
    const behind = last && { ...last, ahead: ahead.length + (holderInLine ? 0 : 1) }
    state.behind = behind ?? (state.behind && { ...state.behind, left: true })
    state.passed = behind ? undefined : readPassed(keys, entries).slice(0, signsMax)
    return { lock, line, behind }
  }

  /** Takes the lock if it is this claim's turn. The transaction checks every condition, or the state is read again. */
  async #advance(state: ClaimState, signal: AbortSignal, tries = triesMax): Promise<Answer> {
    const { claim } = state
    const sight = state.sight ?? (await this.#near(state, signal)) ?? (await this.#look(state, signal))
    state.sight = undefined
    const { lock, behind, passed } = sight
    checkKind(lock, [], claim)
    if (lock?.session === claim.session) return this.#admitAnew(state, lock, signal)
    if ((behind && !passed) || lock?.session) return waiting(sight)
    const outcome = await this.#claims.change(state, take(state, sight), signal)
    if (outcome.applied) return this.#admit(state, outcome.entries)
    if (isDelayed(outcome)) return { held: false, ahead: 1, delayed: true }
    if (tries === 1) throw new UnavailableError('the lock changed hands too fast to take it; ask again')
    return this.#advance(state, signal, tries - 1)
  }

  /**
   * Admits a claim whose session has the lock already: an answer was lost, or the store was restored from a snapshot.
   * The index of the key may be older than tokens that were given out since, so the key is made anew.
   */
  async #admitAnew(state: ClaimState, lock: StoredKey, signal: AbortSignal): Promise<Holding> {
    const outcome = await this.#claims.change(state, made(state, lock), signal)
    if (outcome.applied) return this.#admit(state, outcome.entries)
    throw new UnavailableError(`the key ${quoted(lock.key)} was written meanwhile; ask again`)
  }

  #admit(state: ClaimState, entries: readonly StoredKey[]): Holding {
    state.held = heldBy(readLock(state.keys, entries) as StoredKey)
    state.behind = undefined
    state.passed = undefined
    return admitted(state.held)
  }

  /** Waits until the ticket just ahead is gone. Then its turn had most likely come. */
  async #passed(state: ClaimState, behind: Predecessor, signal: AbortSignal): Promise<Sight | undefined> {
    const left = await this.#waits.until({ key: behind.key }, behind.modified, isLeft, signal)
    if (!left) return undefined
    state.behind = { ...behind, left: true }
    return { ...free, behind, passed: true }
  }

  /** Waits until no session has the lock. */
  async #lock(lock: StoredKey | undefined, signal: AbortSignal): Promise<Sight | undefined> {
    const { key, modifyIndex } = lock as StoredKey
    const isFree = ({ entries: [now] }: { entries: readonly StoredKey[] }): boolean =>
      now?.session === undefined
    const left = await this.#waits.until({ key }, modifyIndex, isFree, signal)
    return left && { ...free, lock: left.entries[0] }
  }
}

// A mutex in Consul: the session that holds the key NAME/.lock, with the flags of Go's api.Lock, has the lock. Tickets
// order the claims of Leasehold. Owns the steps of a claim: each is one transaction, with a condition for everything that
// it relies on.

import { UnavailableError } from '../../base/errors.ts'
import { quoted } from '../../base/printable.ts'
import type { Waiting } from '../../contract.ts'
import type { ClaimState, Claims, Held, Holding, Protocol, Sight } from './claims.ts'
import { lockFlags } from './layout.ts'
import { checkKind, readLock, readTickets, type Ticket } from './line.ts'
import type { Waits } from './waits.ts'
import type { Operation, StoredKey, Transport, TxnOutcome } from './wire/transport.ts'

/** An answer to a claim on a mutex, with its proof: the key by which it holds, or the state that it waits for. */
type Answer = Holding | Queueing
interface Queueing extends Waiting {
  /** Undefined if only the lock-delay is in the way. */
  readonly sight?: Sight
}

const triesMax = 8
/** How many deleted tickets a transaction may check, of the 64 operations that Consul takes. */
const provableMax = 56

const free: Sight = { lock: undefined, ahead: [], gone: [] }

/** The mutexes of one client. */
export class Mutexes implements Protocol {
  readonly #transport: Transport
  readonly #claims: Claims
  readonly #waits: Waits

  constructor(transport: Transport, claims: Claims, waits: Waits) {
    this.#transport = transport
    this.#claims = claims
    this.#waits = waits
  }

  /**
   * If the name is unused, this is one transaction with the conditions: no line, no lock. Otherwise a claim with
   * `wait` puts a ticket in line, and takes the lock when no older ticket is left.
   */
  async attempt(state: ClaimState, signal: AbortSignal): Promise<Answer> {
    if (state.held && (await this.verify(state, signal))) return admitted(state.held)
    if (state.ticket === undefined) {
      const outcome = await this.#claims.change(state, take(state, free), signal)
      if (outcome.applied) return this.#admit(state, outcome.entries)
      if (state.claim.wait) state.sight = await this.#join(state, signal)
    }
    return this.#advance(state, signal)
  }

  /** A holder watches its key. A waiter watches the ticket before its own or, if there is none, the lock. */
  async changed(state: ClaimState, answer: Answer, signal: AbortSignal): Promise<undefined> {
    if (answer.held) {
      await this.#waits.untilTaken(answer.by, signal)
    } else if (answer.sight) {
      const { lock, ahead } = answer.sight
      const seen = ahead.length > 0 ? await this.#predecessor(ahead, signal) : await this.#lock(lock, signal)
      if (seen) state.sight = seen
    }
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
    if (await this.#claims.leave(state, [lock], signal)) return
    // Another client wrote the key, or it is no longer ours.
    if (!(await this.verify(state, signal))) return this.#leave(state, signal)
    throw new UnavailableError(`the key ${quoted(keys.lock)} was written meanwhile; ask again`)
  }

  async #leave(state: ClaimState, signal: AbortSignal): Promise<void> {
    if (state.ticket !== undefined) await this.#claims.leave(state, [], signal)
  }

  async #join(state: ClaimState, signal: AbortSignal): Promise<Sight> {
    return this.#see(state, await this.#claims.join(state, signal))
  }

  async #look(state: ClaimState, signal: AbortSignal): Promise<Sight> {
    const { entries } = await this.#transport.read({ prefix: `${state.keys.folder}.l` }, signal)
    const own = readTickets(state.keys, entries).some(({ key }) => key === state.keys.ticket)
    const stands = state.ticket === undefined || own
    if (stands) return this.#see(state, entries)
    state.ticket = undefined
    throw new UnavailableError('the claim was removed from Consul while it waited')
  }

  #see({ keys, ticket = Infinity }: ClaimState, entries: readonly StoredKey[]): Sight {
    const ahead = readTickets(keys, entries).filter(({ created }) => created < ticket)
    const line = entries.find(({ key }) => key === keys.line)
    return { lock: readLock(keys, entries), line, ahead, gone: [] }
  }

  /** Takes the lock if it is this claim's turn. The transaction checks every condition, or the state is read again. */
  async #advance(state: ClaimState, signal: AbortSignal, tries = triesMax): Promise<Answer> {
    const { claim } = state
    const sight = state.sight ?? (await this.#look(state, signal))
    state.sight = undefined
    const { lock, ahead } = sight
    checkKind(lock, ahead, claim)
    if (lock?.session === claim.session) return this.#admitAnew(state, lock, signal)
    if (ahead.length > 0 || lock?.session) return waiting(sight)
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
    return admitted(state.held)
  }

  /** Waits until the ticket just ahead is gone. Then the tickets before that one are most likely gone, too. */
  async #predecessor(ahead: readonly Ticket[], signal: AbortSignal): Promise<Sight | undefined> {
    const { key, modified } = ahead.at(-1) as Ticket
    const left = await this.#waits.until({ key }, modified, isLeft, signal)
    const gone = ahead.slice(0, -1)
    return left && gone.length <= provableMax ? { ...free, gone } : undefined
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

function admitted(by: Held): Holding {
  return { held: true, token: by.token, by }
}

function waiting(sight: Sight): Queueing {
  const { lock, ahead } = sight
  const holderInLine = !lock?.session || ahead.some(({ session }) => session === lock.session)
  const behind = ahead.at(-1)?.key ?? `${lock?.session} at ${lock?.modifyIndex}`
  return { held: false, ahead: ahead.length + (holderInLine ? 0 : 1), behind, sight }
}

/** Whether a ticket is gone: its key is deleted, or no session holds it, which never changes back. */
function isLeft({ entries: [ticket] }: { entries: readonly StoredKey[] }): boolean {
  return ticket?.session === undefined
}

/** Takes the lock, on the condition that the state is as it was seen. */
function take(state: ClaimState, { lock, line, gone }: Sight): Operation[] {
  const { claim, keys, ticket } = state
  const { session } = claim
  const stands: Operation[] =
    ticket === undefined
      ? [{ verb: 'check-not-exists', key: keys.tombstone }, unchanged(keys.line, line)]
      : [{ verb: 'check-session', key: keys.ticket, session }]
  const proven = gone.map(({ key }): Operation => ({ verb: 'check-not-exists', key }))
  return [...stands, ...proven, ...made(state, lock)]
}

/**
 * Makes the key of the lock; an existing key is deleted first. So its create index is the token, which every client
 * sees.
 */
function made({ claim, keys }: ClaimState, lock: StoredKey | undefined): Operation[] {
  const { value, session } = claim
  const remove: Operation[] = lock ? [{ verb: 'delete', key: keys.lock }] : []
  const own: Operation = { verb: 'lock', key: keys.lock, value, flags: lockFlags, session }
  return [unchanged(keys.lock, lock), ...remove, own]
}

function unchanged(key: string, entry: StoredKey | undefined): Operation {
  return entry ? { verb: 'check-index', key, index: entry.modifyIndex } : { verb: 'check-not-exists', key }
}

/**
 * The hold that this entry shows. Its token is the index at which the lock was taken, and later writes do not change
 * it.
 */
function heldBy(lock: StoredKey, before?: Held): Held {
  const { key, flags, session = '', createIndex: created, modifyIndex: modified } = lock
  return { key, flags, session, created, modified, token: before?.token ?? BigInt(modified) }
}

/** Whether only the lock-delay is in the way. */
function isDelayed(outcome: TxnOutcome): boolean {
  return !outcome.applied && outcome.failures.some(({ reason }) => reason.includes('lock delay'))
}

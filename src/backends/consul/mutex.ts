// A mutex in Consul: NAME/.lock, held by a session and marked as Go's api.Lock marks it, decides; tickets beside it give
// the order among claims of ours. Owns each step as one transaction that proves what it builds on.

import { UnavailableError } from '../../base/errors.ts'
import type { Admitted, Attempt } from '../../contract.ts'
import type { Claims, Held, Known, Protocol } from './claims.ts'
import { lockFlags } from './layout.ts'
import { checkKind, readLock, readTickets, type Ticket } from './line.ts'
import type { Waits } from './waits.ts'
import type { Entry, Operation, Outcome, Transport } from './wire/transport.ts'

/** How a claim sees the name, as far as it has been told. */
interface Sight {
  readonly lock: Entry | undefined
  /** The sign that there is a line. */
  readonly line?: Entry | undefined
  readonly ahead: readonly Ticket[]
  /** Tickets that stood ahead when last seen and should be gone by now: the transaction proves it. */
  readonly gone: readonly Ticket[]
}

const triesMax = 8
/** A transaction takes 64 operations. */
const provableMax = 56

const free: Sight = { lock: undefined, ahead: [], gone: [] }

/** The mutexes of one client. */
export class Mutexes implements Protocol {
  readonly #transport: Transport
  readonly #claims: Claims
  readonly #waits: Waits
  /** What a wait has told, for the attempt that follows. */
  readonly #sights = new WeakMap<Known, Sight>()

  constructor(transport: Transport, claims: Claims, waits: Waits) {
    this.#transport = transport
    this.#claims = claims
    this.#waits = waits
  }

  /**
   * Where the name is unused this is one transaction: nobody stands in line, nobody has the lock, now it is mine. A
   * claim that stays puts a ticket in line otherwise, and takes the lock when no older ticket is left.
   */
  async attempt(known: Known, signal: AbortSignal): Promise<Attempt> {
    if (known.held && (await this.verify(known, signal))) return this.#admitted(known.held)
    if (known.ticket === undefined) {
      const outcome = await this.#claims.change(known, take(known, free), signal)
      if (outcome.applied) return this.#admit(known, outcome.entries)
      if (known.claim.wait) this.#sights.set(known, await this.#join(known, signal))
    }
    return this.#advance(known, signal)
  }

  async verify(known: Known, signal: AbortSignal): Promise<boolean> {
    const { entries } = await this.#transport.read({ key: known.keys.lock }, signal)
    const lock = readLock(known.keys, entries)
    const mine = lock?.session === known.claim.session
    const same = known.held === undefined || known.held.created === lock?.createIndex
    known.held = mine && same ? heldBy(lock, known.held) : undefined
    return known.held !== undefined
  }

  async release(known: Known, signal: AbortSignal): Promise<void> {
    const { held, keys } = known
    if (!held) return this.#leave(known, signal)
    const lock: Operation = { verb: 'delete-cas', key: keys.lock, index: held.modified }
    if (await this.#claims.leave(known, [lock], signal)) return
    // Somebody wrote the key, or it is no longer ours.
    if (!(await this.verify(known, signal))) return this.#leave(known, signal)
    throw new UnavailableError(`the key ${JSON.stringify(keys.lock)} was written meanwhile; ask again`)
  }

  async #leave(known: Known, signal: AbortSignal): Promise<void> {
    if (known.ticket !== undefined) await this.#claims.leave(known, [], signal)
  }

  async #join(known: Known, signal: AbortSignal): Promise<Sight> {
    return this.#see(known, await this.#claims.join(known, signal))
  }

  async #look(known: Known, signal: AbortSignal): Promise<Sight> {
    const { entries } = await this.#transport.read({ prefix: `${known.keys.folder}.l` }, signal)
    const stands = known.ticket === undefined || entries.some(({ key }) => key === known.keys.ticket)
    if (stands) return this.#see(known, entries)
    known.ticket = undefined
    throw new UnavailableError('the claim was removed from Consul while it waited')
  }

  #see({ keys, ticket = Infinity }: Known, entries: readonly Entry[]): Sight {
    const ahead = readTickets(keys, entries).filter(({ created }) => created < ticket)
    const line = entries.find(({ key }) => key === keys.line)
    return { lock: readLock(keys, entries), line, ahead, gone: [] }
  }

  /** Takes the lock if it is this claim's turn. What it builds on is proven by the transaction, or seen anew. */
  async #advance(known: Known, signal: AbortSignal, tries = triesMax): Promise<Attempt> {
    const { claim } = known
    const sight = this.#sights.get(known) ?? (await this.#look(known, signal))
    this.#sights.delete(known)
    const { lock, ahead } = sight
    checkKind(lock, ahead, claim)
    if (lock?.session === claim.session) return this.#admitAnew(known, lock, signal)
    if (ahead.length > 0 || lock?.session) return this.#waiting(known, sight)
    const outcome = await this.#claims.change(known, take(known, sight), signal)
    if (outcome.applied) return this.#admit(known, outcome.entries)
    if (isDelayed(outcome)) return { held: false, ahead: 1, delayed: true, changed: async () => undefined }
    if (tries === 1) throw new UnavailableError('the lock changed hands too fast to take it; ask again')
    return this.#advance(known, signal, tries - 1)
  }

  /**
   * The lock is this session's already: an answer was lost, or the store was restored from a snapshot of when it was.
   * Then its index is older than the tokens given out since, so it is made anew.
   */
  async #admitAnew(known: Known, lock: Entry, signal: AbortSignal): Promise<Admitted> {
    const outcome = await this.#claims.change(known, made(known, lock), signal)
    if (outcome.applied) return this.#admit(known, outcome.entries)
    throw new UnavailableError(`the key ${JSON.stringify(lock.key)} was written meanwhile; ask again`)
  }

  #admit(known: Known, entries: readonly Entry[]): Admitted {
    known.held = heldBy(readLock(known.keys, entries) as Entry)
    return this.#admitted(known.held)
  }

  #admitted(held: Held): Admitted {
    const { key, session, created } = held
    return {
      held: true,
      token: held.token,
      changed: async (signal) => {
        const gone = ({ entries: [lock] }: { entries: readonly Entry[] }): boolean =>
          lock?.session !== session || lock.createIndex !== created
        await this.#waits.until({ key }, held.modified, gone, signal)
        return undefined
      },
    }
  }

  #waiting(known: Known, sight: Sight): Attempt {
    const { lock, ahead } = sight
    const holderInLine = !lock?.session || ahead.some(({ session }) => session === lock.session)
    const changed = async (signal: AbortSignal): Promise<undefined> => {
      const seen = ahead.length > 0 ? await this.#predecessor(ahead, signal) : await this.#lock(lock, signal)
      if (seen) this.#sights.set(known, seen)
    }
    return { held: false, ahead: ahead.length + (holderInLine ? 0 : 1), changed }
  }

  /** Waits until the ticket next in line is gone. Then most likely all are, in front of it. */
  async #predecessor(ahead: readonly Ticket[], signal: AbortSignal): Promise<Sight | undefined> {
    const { key, modified } = ahead.at(-1) as Ticket
    const left = await this.#waits.until({ key }, modified, ({ entries }) => entries.length === 0, signal)
    const gone = ahead.slice(0, -1)
    return left && gone.length <= provableMax ? { ...free, gone } : undefined
  }

  /** Waits until nobody has the lock. */
  async #lock(lock: Entry | undefined, signal: AbortSignal): Promise<Sight | undefined> {
    const { key, modifyIndex } = lock as Entry
    const isFree = ({ entries: [now] }: { entries: readonly Entry[] }): boolean => now?.session === undefined
    const left = await this.#waits.until({ key }, modifyIndex, isFree, signal)
    return left && { ...free, lock: left.entries[0] }
  }
}

/** Takes the lock on the condition that all is as it was seen. */
function take(known: Known, { lock, line, gone }: Sight): Operation[] {
  const { claim, keys, ticket } = known
  const { session } = claim
  const stands: Operation[] =
    ticket === undefined
      ? [{ verb: 'check-not-exists', key: keys.tombstone }, unchanged(keys.line, line)]
      : [{ verb: 'check-session', key: keys.ticket, session }]
  const proven = gone.map(({ key }): Operation => ({ verb: 'check-not-exists', key }))
  return [...stands, ...proven, ...made(known, lock)]
}

/** Makes the key of the lock, anew if it is there: so its create index is the token, for everybody to see. */
function made({ claim, keys }: Known, lock: Entry | undefined): Operation[] {
  const { value, session } = claim
  const remove: Operation[] = lock ? [{ verb: 'delete', key: keys.lock }] : []
  const own: Operation = { verb: 'lock', key: keys.lock, value, flags: lockFlags, session }
  return [unchanged(keys.lock, lock), ...remove, own]
}

function unchanged(key: string, entry: Entry | undefined): Operation {
  return entry ? { verb: 'check-index', key, index: entry.modifyIndex } : { verb: 'check-not-exists', key }
}

/** How the lock is held that this entry shows. The token is the index at which it was taken, so it stays. */
function heldBy(lock: Entry, before?: Held): Held {
  const { key, flags, session = '', createIndex: created, modifyIndex: modified } = lock
  return { key, flags, session, created, modified, token: before?.token ?? BigInt(modified) }
}

/** Whether only the lock-delay is in the way. */
function isDelayed(outcome: Outcome): boolean {
  return !outcome.applied && outcome.failures.some(({ reason }) => reason.includes('lock delay'))
}

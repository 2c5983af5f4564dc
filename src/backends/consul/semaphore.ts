// A semaphore in Consul: the list of holders of Go's api.Semaphore in NAME/.lock decides, and each holder has a key
// NAME/<session>; tickets beside them give the order among claims of ours. Owns how that list is changed.

import { SessionGoneError, UnavailableError } from '../../base/errors.ts'
import type { Admitted, Attempt } from '../../contract.ts'
import { inUse } from '../shared/conflict.ts'
import type { Claims, Held, Known, Protocol } from './claims.ts'
import { enter, type List, without } from './holders.ts'
import { checkKind, parseSlots, readContenders, readLock, readTickets, type Ticket } from './line.ts'
import type { SlotSessions } from './permit-sessions.ts'
import type { Waits } from './waits.ts'
import type { Entry, Operation, Snapshot, Transport } from './wire/transport.ts'

/** The whole name as one answer shows it. */
interface Sight {
  readonly index: number
  readonly lock: Entry | undefined
  readonly list: List
  readonly tickets: readonly Ticket[]
  readonly contenders: readonly Entry[]
}

const triesMax = 8

/** The semaphores of one client. */
export class Semaphores implements Protocol {
  readonly #transport: Transport
  readonly #claims: Claims
  readonly #waits: Waits
  readonly #sessions: SlotSessions
  /** The session by which each claim has, or is about to have, its slot. */
  readonly #slots = new WeakMap<Known, string>()
  /** The list as last seen by each holder: if nobody has changed it since, giving back needs no read. */
  readonly #lists = new WeakMap<Known, List>()

  /** Keys of claims that are not on the list: somebody took it away, perhaps before the claim knew that it was on it. */
  readonly #strays = new WeakMap<Known, Held>()

  constructor(transport: Transport, claims: Claims, waits: Waits, sessions: SlotSessions) {
    this.#transport = transport
    this.#claims = claims
    this.#waits = waits
    this.#sessions = sessions
  }

  /** Reads who holds and who waits, then puts the claim on the list, or in line. */
  async attempt(known: Known, signal: AbortSignal, tries: number = triesMax): Promise<Attempt> {
    const before = known.held
    const sight = await this.#look(known, signal)
    if (known.held) return this.#admitted(before ? known.held : await this.#admitAnew(known, sight, signal))
    this.#check(known, sight)
    if (this.#ahead(known, sight.tickets).length > 0 || sight.list.holders.length >= known.claim.permits) {
      return this.#wait(known, sight, signal)
    }
    const held = await this.#take(known, sight.list, signal)
    if (held) return this.#admitted(held)
    if (tries === 1) throw new UnavailableError('the semaphore changed too fast to take a slot; ask again')
    return this.attempt(known, signal, tries - 1)
  }

  async verify(known: Known, signal: AbortSignal): Promise<boolean> {
    await this.#look(known, signal)
    return known.held !== undefined
  }

  async release(known: Known, signal: AbortSignal): Promise<void> {
    const { claim, held } = known
    const left = held && (await this.#giveUp(known, held, signal))
    const own = this.#strays.get(known) ?? held
    if (own && !left) {
      // Taken off the list by somebody else: then only the holder's own key is left.
      const { key, modified: index } = own
      const remove: Operation[] = [
        { verb: 'check-index', key, index },
        { verb: 'delete', key },
      ]
      await this.#transport.txn(remove, signal, 'gives back')
    }
    if (!left && (held || known.ticket !== undefined)) await this.#claims.leave(known, [], signal)
    const slot = this.#slots.get(known)
    if (slot) await this.#sessions.giveBack(claim.session, claim.name, slot, signal)
  }

  /** Takes the claim off the list, and the sign of a line with it; says whether it was on the list. */
  async #giveUp(known: Known, held: Held, signal: AbortSignal, tries = triesMax): Promise<boolean> {
    const list = this.#lists.get(known) ?? (await this.#look(known, signal)).list
    this.#lists.delete(known)
    if (!known.held) return false
    const off = without(known.keys.lock, list, held.session)
    if (await this.#claims.leave(known, [off, { verb: 'delete', key: held.key }], signal)) return true
    if (tries === 1) throw new UnavailableError('the list of holders changed too fast to leave it; ask again')
    return this.#giveUp(known, held, signal, tries - 1)
  }

  /** Reads the name, and whether the claim is on the list, or in line by an attempt whose answer was lost. */
  async #look(known: Known, signal: AbortSignal): Promise<Sight> {
    const { keys } = known
    const sight = see(known, await this.#transport.read({ prefix: keys.folder }, signal))
    const slot = this.#slots.get(known)
    const own = sight.contenders.find(({ session }) => session === slot)
    const same = known.held === undefined || known.held.created === own?.createIndex
    const listed = own && same && sight.list.holders.includes(slot as string)
    if (own && !listed) this.#strays.set(known, heldBy(own, known.held))
    else this.#strays.delete(known)
    known.held = listed ? heldBy(own, known.held) : undefined
    if (known.held) this.#lists.set(known, sight.list)
    known.ticket ??= sight.tickets.find(({ key }) => key === keys.ticket)?.created
    return sight
  }

  /** On the list by an answer that was lost, or by a restored snapshot: then its index may be older than other tokens. */
  async #admitAnew(known: Known, { contenders }: Sight, signal: AbortSignal): Promise<Held> {
    const slot = this.#slots.get(known)
    const own = contenders.find(({ session }) => session === slot) as Entry
    const again = await this.#claims.renewIndex(known, own, signal)
    known.held = { ...heldBy(again), token: BigInt(again.modifyIndex) }
    return known.held
  }

  /** Throws what keeps the claim from waiting any longer: another kind, or its ticket is gone. */
  #check(known: Known, { lock, list, tickets, contenders }: Sight): void {
    const { claim, keys } = known
    const others = this.#ahead(known, tickets)
    checkKind(lock, others, claim)
    const used = list.holders.length > 0 || contenders.length > 0
    if (lock && used && list.permits !== claim.permits) throw inUse(claim, list)
    if (known.ticket === undefined || tickets.some(({ key }) => key === keys.ticket)) return
    known.ticket = undefined
    throw new UnavailableError('the claim was removed from Consul while it waited')
  }

  #ahead({ ticket = Infinity }: Known, tickets: readonly Ticket[]): Ticket[] {
    return tickets.filter(({ created }) => created < ticket)
  }

  /** Puts the claim on the list, with a key of its own and out of the line, if nobody has changed the list. */
  async #take(known: Known, list: List, signal: AbortSignal): Promise<Held | undefined> {
    const { claim, keys } = known
    const slot = this.#slots.get(known) ?? (await this.#sessions.take(claim.session, claim.name, signal))
    this.#slots.set(known, slot)
    const own = `${keys.folder}${slot}`
    const slots = { permits: claim.permits, holders: [...list.holders, slot] }
    const outcome = await this.#claims
      .change(known, enter(known, { ...slots, index: list.index }, slot, this.#strays.get(known)), signal)
      .catch((error) => this.#slotGone(known, slot, error, signal))
    if (!outcome.applied) return undefined
    const find = (wanted: string): Entry => outcome.entries.findLast(({ key }) => key === wanted) as Entry
    this.#lists.set(known, { ...slots, index: find(keys.lock).modifyIndex })
    known.ticket = undefined
    known.held = heldBy(find(own))
    return known.held
  }

  /** The session of this slot alone may be gone: the client's, and all else it holds, lives on. */
  async #slotGone(known: Known, slot: string, error: unknown, signal: AbortSignal): Promise<never> {
    const { name, session } = known.claim
    if (!(error instanceof SessionGoneError) || slot === session) throw error
    this.#slots.delete(known)
    await this.#sessions.giveBack(session, name, slot, signal)
    throw new UnavailableError('the session of a slot ended; ask again', { cause: error })
  }

  #admitted({ key, session, created, modified, token }: Held): Admitted {
    const gone = ({ entries: [own] }: Snapshot): boolean =>
      own?.session !== session || own.createIndex !== created
    const changed = async (signal: AbortSignal): Promise<undefined> => {
      await this.#waits.until({ key }, modified, gone, signal)
    }
    return { held: true, token, changed }
  }

  async #wait(known: Known, sight: Sight, signal: AbortSignal): Promise<Attempt> {
    const { claim, keys } = known
    const joins = claim.wait && known.ticket === undefined
    const tickets = joins ? readTickets(keys, await this.#claims.join(known, signal)) : sight.tickets
    const ahead = this.#ahead(known, tickets)
    const last = ahead.at(-1)
    const changed = async (signal: AbortSignal): Promise<undefined> => {
      if (last) await this.#waits.until({ key: last.key }, last.modified, isEmpty, signal)
      else await this.#waits.until({ prefix: keys.folder }, sight.index, hasRoom, signal)
    }
    const hasRoom = (snapshot: Snapshot): boolean => see(known, snapshot).list.holders.length < claim.permits
    const before = ahead.length + sight.list.holders.length - claim.permits + 1
    return { held: false, ahead: Math.max(1, before), changed }
  }
}

/** What an answer shows. Holders that died without taking themselves off the list are left out, as in Go's client. */
function see({ claim, keys }: Known, { index, entries }: Snapshot): Sight {
  const lock = readLock(keys, entries)
  const contenders = readContenders(keys, entries)
  const { permits, holders } = (lock && parseSlots(lock)) ?? { permits: claim.permits, holders: [] }
  const alive = holders.filter((holder) => contenders.some(({ session }) => session === holder))
  const list = { permits, holders: alive, index: lock?.modifyIndex ?? 0 }
  return { index, lock, list, contenders, tickets: readTickets(keys, entries) }
}

const isEmpty = ({ entries }: Snapshot): boolean => entries.length === 0

/** The own key is made when its claim is admitted, and only then: that index is the token. */
function heldBy(own: Entry, before?: Held): Held {
  const { key, flags, session = '', createIndex: created, modifyIndex: modified } = own
  return { key, flags, session, created, modified, token: before?.token ?? BigInt(created) }
}

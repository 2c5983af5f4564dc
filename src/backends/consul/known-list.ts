// The list of a semaphore's holders and the line of its claims, as one client saw them last. Owns that a ticket at the start of the
// line counts as gone only if an answer proved it. list-change.ts calls the first in line; list-changes.ts sends that.
import type { ClaimState } from './claims.ts'
import { type NameKeys, passedKey } from './layout.ts'
import { readLock, readPassed, readTickets, type StoredHolders, type Ticket } from './line.ts'
import { listed } from './semaphore-sight.ts'
import type { Failure, Operation, StoredKey, Transport } from './wire/transport.ts'

/** The tickets of a line, in order, and signs that nobody needs when the first of them is called. */
export interface Line {
  readonly tickets: readonly Ticket[]
  readonly signs: readonly string[]
}

const nobody: Line = { tickets: [], signs: [] }
/** How many signs are deleted with a call. Others go with their sessions. */
const signsMost = 4

/** The knowledge that one client has of one list. Its line may be old: claims that joined since stand behind the known ones. */
export class KnownList {
  #list: StoredHolders | undefined
  #line: Line = nobody
  /** The index of the list when the line was read. */
  #lineIndex = 0
  #keys: NameKeys | undefined
  #isOdd = false

  /** The list as it was seen last; undefined if it has to be read. */
  get list(): StoredHolders | undefined {
    return this.#list
  }

  /** The line, as far as it is known. */
  get line(): Line {
    return this.#line
  }

  /** Whether nobody can be called before the line is read. */
  get lacksLine(): boolean {
    return this.#line.tickets.length === 0 && !this.#isOdd
  }

  /** Notes a list that an answer showed, unless a later one is known. */
  see(list: StoredHolders): void {
    if (list.index < (this.#list?.index ?? 0)) return
    this.#list = list
    this.#goOn()
  }

  /** The list has to be read before it is changed again. The line stays: it only loses tickets, and grows at its end. */
  forgetList(): void {
    this.#list = undefined
  }

  /** A condition failed that fails rarely: nobody is called until a transaction was applied. */
  forgetLine(): void {
    this.#line = nobody
    this.#isOdd = true
  }

  /** Reads the list, and with it the line if that is wanted. Costs one request; with the line, its size. */
  async read(
    transport: Pick<Transport, 'txn'>,
    { keys, claim }: ClaimState,
    wantsLine: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const starts = wantsLine ? [keys.lock, keys.line, keys.passed] : [keys.lock]
    const reads = starts.map((key): Operation => ({ verb: 'get-tree', key }))
    const outcome = await transport.txn(reads, signal)
    const entries: readonly StoredKey[] = outcome.applied ? outcome.entries : [] // reads do not fail
    this.#list = listed(readLock(keys, entries), claim)?.list
    if (!wantsLine) return this.#goOn()
    this.#lineIndex = this.#list?.index ?? 0
    this.#keys = keys
    this.#line = {
      tickets: readTickets(keys, entries),
      signs: readPassed(keys, entries).slice(0, signsMost),
    }
  }

  /** Notes the list that a transaction has written, and the tickets that it has called: it has deleted the signs that are not needed. */
  written(list: StoredHolders, called: readonly Ticket[]): void {
    this.#list = list
    this.#isOdd = false
    const { tickets } = this.#line
    if (called.length > 0) this.#line = { tickets, signs: [] }
    this.#leave((ticket) => called.includes(ticket))
    this.#goOn()
  }

  /** Notes that this ticket could not be called: it is gone or, which is rare, one of its keys was written. */
  refused(ticket: Ticket, { key }: Operation, { reason }: Failure): void {
    const isGone = key === ticket.key && reason.includes("doesn't exist")
    if (isGone) this.#leave((each) => each === ticket)
    else this.forgetLine()
  }

  /**
   * Leaves out the tickets that a later list shows to be gone. The session of a ticket that may be called has one claim of the
   * name at a time. So if that session is on the list, this claim, or a later one, had its turn: all tickets before are gone.
   */
  #goOn(): void {
    const { holders, index } = this.#list ?? { holders: [], index: 0 }
    if (index <= this.#lineIndex) return
    const on = new Set(holders.map(({ session }) => session))
    const { tickets } = this.#line
    const last = tickets.findLastIndex(({ session, isCallable }) => isCallable && on.has(session))
    const gone = new Set(tickets.slice(0, last + 1))
    this.#leave((ticket) => gone.has(ticket))
  }

  /** Leaves these tickets out. The sign of the last of them is not needed when the next one is called. */
  #leave(isGone: (ticket: Ticket) => boolean): void {
    const { tickets, signs } = this.#line
    const last = tickets.findLast(isGone)
    if (!last || !this.#keys) return
    const all = [...signs, passedKey(this.#keys, last.key)]
    this.#line = { tickets: tickets.filter((each) => !isGone(each)), signs: all.slice(-signsMost) }
  }
}

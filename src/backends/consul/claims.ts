// What is known of each claim in Consul, and what is the same for a mutex and a semaphore: the place in line, and that
// nothing of a claim can stand once it is withdrawn. Who may hold is mutex.ts's and semaphore.ts's to say.

import { RefusedError, SessionGoneError, UnavailableError } from '../../base/errors.ts'
import type { Attempt, Claim } from '../../contract.ts'
import { type ClaimKeys, type Layout, parseTicket } from './layout.ts'
import type { Entry, Operation, Outcome, Transport } from './wire/transport.ts'

/** The key by which a claim holds. Session, create index and modify index together are nobody else's. */
export interface Held {
  readonly key: string
  readonly flags: bigint
  readonly session: string
  readonly created: number
  readonly token: bigint
  /** Moves when somebody writes the key. */
  modified: number
}

/** What is known of a claim. */
export interface Known {
  readonly claim: Claim
  readonly keys: ClaimKeys
  /** The create index of its ticket, while it stands in line. */
  ticket?: number | undefined
  held?: Held | undefined
  /** Whether an attempt was given up without an answer, so that it may yet arrive. */
  unanswered: boolean
}

/** How claims of one kind come to hold and let go. */
export interface Protocol {
  attempt(known: Known, signal: AbortSignal): Promise<Attempt>
  /** Whether the claim holds, by a read that no stale server can answer; learns by what it holds, too. */
  verify(known: Known, signal: AbortSignal): Promise<boolean>
  /** Gives back whatever the claim has: the lock, its place in line. */
  release(known: Known, signal: AbortSignal): Promise<void>
}

/** The claims of one client. */
export class Claims {
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #known = new WeakMap<Claim, Known>()

  constructor(transport: Transport, layout: Layout) {
    this.#transport = transport
    this.#layout = layout
  }

  of(claim: Claim): Known {
    const known = this.#known.get(claim) ?? {
      claim,
      keys: this.#layout.claimKeys(claim),
      unanswered: false,
    }
    this.#known.set(claim, known)
    return known
  }

  /** Sends what changes the store, and keeps in mind if no answer came: then it may still be applied. */
  async change(known: Known, operations: readonly Operation[], signal: AbortSignal): Promise<Outcome> {
    const before = known.unanswered
    known.unanswered = true
    try {
      const outcome = await this.#transport.txn(operations, signal)
      known.unanswered = before
      return outcome
    } catch (error) {
      if (error instanceof SessionGoneError || error instanceof RefusedError) known.unanswered = before
      throw error
    }
  }

  /** Stands in line, and reads the line and what decides, all at once. Idempotent, since the key is the claim's own. */
  async join(known: Known, signal: AbortSignal): Promise<readonly Entry[]> {
    const { claim, keys } = known
    const outcome = await this.change(
      known,
      [
        { verb: 'check-not-exists', key: keys.tombstone },
        { verb: 'lock', key: keys.ticket, value: claim.value, session: claim.session },
        // Another value for each claim: only so it is a write, and no tidying up from before can remove it.
        { verb: 'set', key: keys.line, value: keys.ticket },
        { verb: 'get-tree', key: keys.line },
        { verb: 'get-tree', key: keys.lock },
      ],
      signal,
    )
    if (!outcome.applied) throw new Error('an attempt of a withdrawn claim')
    known.ticket = outcome.entries.find(({ key }) => key === keys.ticket)?.createIndex
    return outcome.entries
  }

  /** Writes the key by which the claim holds, as it is, for an index that is larger than all before. */
  async renewIndex(known: Known, entry: Entry, signal: AbortSignal): Promise<Entry> {
    const { key, flags, session = '', modifyIndex: index } = entry
    const { value } = known.claim
    const other = entry.value === value ? `${value} ` : value // what is there already Consul does not write
    const check: Operation = { verb: 'check-index', key, index }
    const lock: Operation = { verb: 'lock', key, value: other, flags, session }
    const outcome = await this.change(known, [check, lock], signal)
    const again = outcome.applied && outcome.entries.findLast((written) => written.key === key)
    if (again) return again
    throw new UnavailableError(`the key ${JSON.stringify(key)} was written meanwhile; ask again`)
  }

  /** Takes the claim out of the line and the lock, and sees to it that nothing of it can arrive any more. */
  async withdraw(claim: Claim, protocol: Protocol, signal: AbortSignal): Promise<void> {
    const known = this.of(claim)
    if (known.unanswered) {
      const { tombstone, ticket, line } = known.keys
      const bury: Operation[] = [
        { verb: 'lock', key: tombstone, value: '', session: claim.session },
        { verb: 'delete', key: ticket },
        { verb: 'get-tree', key: line },
      ]
      const buried = await this.#transport.txn(bury, signal, 'gives back')
      if (buried.applied) await this.#tidy(known, buried.entries, signal)
      await protocol.verify(known, signal)
    }
    await protocol.release(known, signal)
    this.#known.delete(claim)
  }

  /**
   * Gives up the place in line, along with what `give` names. Says whether that was as it should be: if not, nothing
   * was changed.
   */
  async leave(known: Known, give: readonly Operation[], signal: AbortSignal): Promise<boolean> {
    const { ticket, line } = known.keys
    const place: Operation[] = known.ticket === undefined ? [] : [{ verb: 'delete', key: ticket }]
    const operations: Operation[] = [...give, ...place, { verb: 'get-tree', key: line }]
    const outcome = await this.#transport.txn(operations, signal, 'gives back')
    if (outcome.applied) await this.#tidy(known, outcome.entries, signal)
    return outcome.applied
  }

  /** Takes away the sign that there is a line, if there is none, and nobody has come since it was looked at. */
  async #tidy({ keys }: Known, entries: readonly Entry[], signal: AbortSignal): Promise<void> {
    const sign = entries.find(({ key }) => key === keys.line)
    if (!sign || entries.some(({ key }) => parseTicket(keys, key))) return
    await this.#transport.txn(
      [{ verb: 'delete-cas', key: keys.line, index: sign.modifyIndex }],
      signal,
      'gives back',
    )
  }
}

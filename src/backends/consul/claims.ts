// The client's knowledge of each claim in Consul, and the steps that a mutex and a semaphore share: the place in line,
// and that nothing of a claim is left once it is withdrawn. mutex.ts and semaphore.ts decide which claim may hold.

import { RefusedError, SessionGoneError, UnavailableError } from '../../base/errors.ts'
import { quoted } from '../../base/printable.ts'
import type { Admitted, Attempt, Claim, StoreKey } from '../../contract.ts'
import type { ClaimKeys, Layout } from './layout.ts'
import { type StoredHolders, type Ticket, ticketOf } from './line.ts'
import type { Operation, StoredKey, Transport, TxnOutcome } from './wire/transport.ts'

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

/** The client's knowledge of a claim. Facts that concern one answer only are fields of that answer. */
export interface ClaimState {
  readonly claim: Claim
  readonly keys: ClaimKeys
  /** The create index of its ticket, while it stands in line. */
  ticket?: number | undefined
  held?: Held | undefined
  /** Whether an attempt was given up without an answer, so that it may yet arrive. */
  unanswered: boolean
  /** Of a mutex: what a wait has told, for the attempt that follows. */
  sight?: Sight | undefined
  /** Of a semaphore: the session by which the claim has, or is about to have, its permit. */
  permitSession?: string | undefined
  /** Of a semaphore: the holders as this one last saw them. If nobody has changed them since, giving back needs no read. */
  holders?: StoredHolders | undefined
  /** Of a semaphore: its own key, where the claim is not among the holders: somebody took it off, perhaps unnoticed. */
  stray?: Held | undefined
  /** How many checkpoints it has sent. */
  sent: number
  /** The index of the checkpoint that it wrote last, of a candidate. */
  checkpoint?: number | undefined
}

/** A mutex as a claim sees it, as far as it has been told. */
export interface Sight {
  readonly lock: StoredKey | undefined
  /** The sign that there is a line. */
  readonly line?: StoredKey | undefined
  readonly ahead: readonly Ticket[]
  /** Tickets that stood ahead when last seen and should be gone by now: the transaction proves it. */
  readonly gone: readonly Ticket[]
}

/** The claim holds by this key. */
export interface Holding extends Admitted {
  readonly by: Held
}

/** How claims of one kind come to hold and let go. */
export interface Protocol {
  attempt(state: ClaimState, signal: AbortSignal): Promise<Attempt>
  /** Resolves when this answer, which `attempt` gave, may have changed. */
  changed(state: ClaimState, answer: Attempt, signal: AbortSignal): Promise<undefined>
  /** Whether the claim holds, by a consistent read. Also refreshes `held`. */
  verify(state: ClaimState, signal: AbortSignal): Promise<boolean>
  /** Gives back whatever the claim has: the lock, its place in line. */
  release(state: ClaimState, signal: AbortSignal): Promise<void>
}

/** The claims of one client. */
export class Claims {
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #states = new WeakMap<Claim, ClaimState>()

  constructor(transport: Transport, layout: Layout) {
    this.#transport = transport
    this.#layout = layout
  }

  /** The key by which a claim holds, with its modify index as of the last answered write. */
  key(claim: Claim): StoreKey | undefined {
    const held = this.#states.get(claim)?.held
    return held && { name: held.key, revision: BigInt(held.modified) }
  }

  /** The knowledge of this claim, kept until it is forgotten. */
  of(claim: Claim): ClaimState {
    const known = this.#states.get(claim)
    if (known) return known
    const state = { claim, keys: this.#layout.claimKeys(claim), unanswered: false, sent: 0 }
    this.#states.set(claim, state)
    return state
  }

  /** Nothing of the claim can stand any more. */
  forget(claim: Claim): void {
    this.#states.delete(claim)
  }

  /** Sends what changes the store, and keeps in mind if no answer came: then it may still be applied. */
  async change(
    state: ClaimState,
    operations: readonly Operation[],
    signal: AbortSignal,
  ): Promise<TxnOutcome> {
    const before = state.unanswered
    state.unanswered = true
    try {
      const outcome = await this.#transport.txn(operations, signal)
      state.unanswered = before
      return outcome
    } catch (error) {
      if (error instanceof SessionGoneError || error instanceof RefusedError) state.unanswered = before
      throw error
    }
  }

  /** Stands in line, and reads the line and what decides, all at once. Idempotent, since the key is the claim's own. */
  async join(state: ClaimState, signal: AbortSignal): Promise<readonly StoredKey[]> {
    const { claim, keys } = state
    const outcome = await this.change(
      state,
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
    state.ticket = outcome.entries.find(({ key }) => key === keys.ticket)?.createIndex
    return outcome.entries
  }

  /** Writes the key by which the claim holds, as it is, for an index that is larger than all before. */
  async renewIndex(state: ClaimState, entry: StoredKey, signal: AbortSignal): Promise<StoredKey> {
    const { key, flags, session = '', modifyIndex: index } = entry
    const { value } = state.claim
    const other = entry.value === value ? `${value} ` : value // Consul does not write an equal value
    const check: Operation = { verb: 'check-index', key, index }
    const lock: Operation = { verb: 'lock', key, value: other, flags, session }
    const outcome = await this.change(state, [check, lock], signal)
    const again = outcome.applied && outcome.entries.findLast((written) => written.key === key)
    if (again) return again
    throw new UnavailableError(`the key ${quoted(key)} was written meanwhile; ask again`)
  }

  /** Sees to it that no attempt can arrive any more, and takes the place in line of one that has. */
  async bury({ claim, keys }: ClaimState, signal: AbortSignal): Promise<void> {
    const bury: Operation[] = [
      { verb: 'lock', key: keys.tombstone, value: '', session: claim.session },
      { verb: 'delete', key: keys.ticket },
      { verb: 'get-tree', key: keys.line },
    ]
    const buried = await this.#transport.txn(bury, signal, 'gives back')
    if (buried.applied) await this.#tidy(keys, buried.entries, signal)
  }

  /**
   * Gives up the place in line, along with what `give` names. Says whether that was as it should be: if not, nothing
   * was changed.
   */
  async leave(state: ClaimState, give: readonly Operation[], signal: AbortSignal): Promise<boolean> {
    const { ticket, line } = state.keys
    const place: Operation[] = state.ticket === undefined ? [] : [{ verb: 'delete', key: ticket }]
    const operations: Operation[] = [...give, ...place, { verb: 'get-tree', key: line }]
    const outcome = await this.#transport.txn(operations, signal, 'gives back')
    if (outcome.applied) await this.#tidy(state.keys, outcome.entries, signal)
    return outcome.applied
  }

  /** Takes away the sign that there is a line, if there is none, and nobody has come since it was looked at. */
  async #tidy(keys: ClaimKeys, entries: readonly StoredKey[], signal: AbortSignal): Promise<void> {
    const sign = entries.find(({ key }) => key === keys.line)
    if (!sign || entries.some((entry) => ticketOf(keys, entry))) return
    await this.#transport.txn(
      [{ verb: 'delete-cas', key: keys.line, index: sign.modifyIndex }],
      signal,
      'gives back',
    )
  }
}

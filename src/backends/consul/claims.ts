// The client's knowledge of each claim in Consul, and the steps that a mutex and a semaphore share: the place in line,
// and the complete removal of a withdrawn claim. mutex.ts and semaphore.ts decide which claim may hold.

import { RefusedError, SessionGoneError, UnavailableError } from '../../base/errors.ts'
import { oneLine, quoted } from '../../base/printable.ts'
import type { Admitted, Attempt, Claim, StoreKey } from '../../contract.ts'
import type { Tombstones } from '../shared/tombstones.ts'
import type { ClaimKeys, Layout } from './layout.ts'
import { type StoredHolders, type Ticket, ticketOf } from './line.ts'
import type { Room } from './semaphore-sight.ts'
import type { Failure, Operation, StoredKey, Transport, TxnOutcome } from './wire/transport.ts'

/** The key by which a claim holds. No other hold has the same session, create index and modify index. */
export interface Held {
  readonly key: string
  readonly flags: bigint
  readonly session: string
  readonly created: number
  readonly token: bigint
  /** The modify index, which grows when somebody writes the key. */
  modified: number
}

/** The client's knowledge of a claim. Facts that concern one answer only are fields of that answer. */
export interface ClaimState {
  readonly claim: Claim
  readonly keys: ClaimKeys
  /** The value that belongs on the key by which it holds. */
  value: string
  /** The create index of its ticket, while it stands in line. */
  ticket?: number | undefined
  held?: Held | undefined
  /** Whether an attempt was given up without an answer. It may still arrive. */
  unanswered: boolean
  /** Of a mutex: the state that the last wait saw, for the attempt that follows. */
  sight?: Sight | undefined
  /** Of a semaphore: the free permit that ended the last wait, for the attempt that follows. */
  room?: Room | undefined
  /** Of a semaphore: the session that has the claim's permit, or is about to have it. */
  permitSession?: string | undefined
  /** Of a semaphore: the list of holders when this claim last saw it. If it is unchanged, the release needs no read. */
  holders?: StoredHolders | undefined
  /** Of a semaphore: its own key, if the claim is not on the list of holders. Somebody took it off. */
  stray?: Held | undefined
  /** The sessions that may have the claim since it is to be kept. */
  readonly keepers: string[]
  /** Whether one of them has it for certain. */
  isKept?: boolean
  /** The number of checkpoints that the claim has sent. */
  sent: number
  /** Of a candidate: the index of the checkpoint that it wrote last. */
  checkpoint?: number | undefined
}

/** The part of a mutex's state that a claim has seen. */
export interface Sight {
  readonly lock: StoredKey | undefined
  /** The marker key of the line. */
  readonly line?: StoredKey | undefined
  readonly ahead: readonly Ticket[]
  /** Tickets that stood ahead at the last look and are probably gone. The transaction checks it. */
  readonly gone: readonly Ticket[]
}

/** The claim holds by this key. */
export interface Holding extends Admitted {
  readonly by: Held
}

/** How claims of one kind get the lock and give it back. */
export interface Protocol {
  attempt(state: ClaimState, signal: AbortSignal): Promise<Attempt>
  /** Resolves when this answer, which `attempt` gave, may have changed. */
  changed(state: ClaimState, answer: Attempt, signal: AbortSignal): Promise<undefined>
  /** Whether the claim holds, by a consistent read. Also refreshes `held`. */
  verify(state: ClaimState, signal: AbortSignal): Promise<boolean>
  /** Gives back the lock and the place in line, as far as the claim has them. */
  release(state: ClaimState, signal: AbortSignal): Promise<void>
}

/** The claims of one client. */
export class Claims {
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #tombstones: Tombstones
  readonly #states = new WeakMap<Claim, ClaimState>()

  constructor(transport: Transport, layout: Layout, tombstones: Tombstones) {
    this.#transport = transport
    this.#layout = layout
    this.#tombstones = tombstones
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
    const keys = this.#layout.claimKeys(claim)
    const state = { claim, keys, value: claim.value, unanswered: false, keepers: [], sent: 0 }
    this.#states.set(claim, state)
    return state
  }

  /** Forgets a claim. Call it when nothing of the claim can be in Consul any more. */
  forget(claim: Claim): void {
    this.#states.delete(claim)
  }

  /**
   * Sends a transaction that writes. If no answer comes, `unanswered` stays true: the transaction may still be applied.
   */
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

  /**
   * Puts the claim in line and reads the line and the lock, in one transaction. Idempotent, since the ticket's key is
   * the claim's own.
   */
  async join(state: ClaimState, signal: AbortSignal): Promise<readonly StoredKey[]> {
    const { claim, keys } = state
    const outcome = await this.change(
      state,
      [
        { verb: 'check-not-exists', key: keys.tombstone },
        { verb: 'lock', key: keys.ticket, value: claim.value, session: claim.session },
        // Each claim writes another value. So it is always a write, and an older `#tidy` cannot delete the key.
        { verb: 'set', key: keys.line, value: keys.ticket },
        { verb: 'get-tree', key: keys.line },
        { verb: 'get-tree', key: keys.lock },
      ],
      signal,
    )
    if (!outcome.applied) throw refused(outcome.failures)
    state.ticket = outcome.entries.find(({ key }) => key === keys.ticket)?.createIndex
    return outcome.entries
  }

  /** Writes the key by which the claim holds once more, so that its index is larger than all before. */
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

  /** Writes the tombstone, so that no late attempt is applied, and deletes the ticket of an attempt that was. */
  async bury({ claim, keys }: ClaimState, signal: AbortSignal): Promise<void> {
    const bury: Operation[] = [
      { verb: 'lock', key: keys.tombstone, value: '', session: claim.session },
      { verb: 'delete', key: keys.ticket },
      { verb: 'get-tree', key: keys.line },
    ]
    const buried = await this.#transport.txn(bury, signal, 'gives back')
    if (!buried.applied) return
    this.#tombstones.note(keys.tombstone)
    await this.#tidy(keys, buried.entries, signal)
  }

  /**
   * Gives up the place in line and applies `give`, in one transaction. Returns whether it was applied; if not, nothing
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

  /** Deletes the marker key of the line if no ticket stands, unless a claim has joined since the look. */
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

/** Why a place in line was refused. Consul's reason is for people: a claim that is withdrawn is not asked about again. */
function refused(failures: readonly Failure[]): UnavailableError {
  const reasons = failures.map(({ reason }) => reason).join(', ')
  return new UnavailableError(`consul refused the place in line (${oneLine(reasons)}); ask again`)
}

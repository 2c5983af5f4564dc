// The client's knowledge of each claim in Consul. Owns that a write without an answer is remembered. entering.ts and leaving.ts
// have the place in line; mutex.ts and semaphore.ts decide which claim may hold.

import { RefusedError, SessionGoneError } from '../../base/errors.ts'
import type { Admitted, Attempt, Claim, StoreKey } from '../../contract.ts'
import type { Joint } from './joint.ts'
import type { ClaimKeys, Layout } from './layout.ts'
import type { StoredHolders, Ticket } from './line.ts'
import type { Room } from './semaphore-sight.ts'
import type { Operation, StoredKey, Transport, TxnOutcome } from './wire/transport.ts'

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
  /** Of a semaphore, the key of the ticket is known when the claim has its session. */
  keys: ClaimKeys
  /** The value that belongs on the key by which it holds. */
  value: string
  /** The create index of its ticket, while it stands in line. */
  ticket?: number | undefined
  held?: Held | undefined
  /** Whether an attempt was given up without an answer. It may still arrive. */
  unanswered: boolean
  /** Of a mutex: the state that the last wait saw, for the attempt that follows. */
  sight?: Sight | undefined
  /** The ticket just ahead of its own, at the join or at the last look at the whole line. */
  behind?: Predecessor | undefined
  /** Of a claim that is the first in line: signs that others have passed, which nobody needs any more. */
  passed?: readonly string[] | undefined
  /** Of a semaphore: the free permit that ended the last wait, for the attempt that follows. */
  room?: Room | undefined
  /** Of a semaphore: whether its ticket stands, and no other ticket ahead of it. */
  isFirst?: boolean | undefined
  /** Of a semaphore: whether there was a line at the last look. */
  hasLine?: boolean | undefined
  /** Of a semaphore: whether a condition failed that fails rarely, so that the whole name has to be read. */
  isUnusual?: boolean | undefined
  /** Of a semaphore: the index of the key `.line` if the claim was the last in line when it took its permit. */
  lineIndex?: number | undefined
  /** Of a semaphore: the session that has the claim's permit and its ticket, or is about to have them. */
  permitSession?: string | undefined
  /** Of a semaphore: its own key, if a change of others has put the claim on the list. It is to be made anew. */
  called?: Held | undefined
  /** Of a semaphore: whether it was found on the list, so that the index of its key may be that of another hold, too. */
  isUnproven?: boolean | undefined
  /** Of a semaphore: whether the last wait saw that the ticket ahead has left. */
  isWoken?: boolean | undefined
  /** Of a semaphore: the list of holders when this claim last saw it. If it is unchanged, the release needs no read. */
  holders?: StoredHolders | undefined
  /** Of a semaphore: settles when a change of the list that may admit the claim was answered. Never rejects. */
  entering?: Promise<unknown> | undefined
  /** Of a semaphore: its own key, if the claim is not on the list of holders. Somebody took it off. */
  stray?: Held | undefined
  /** The sessions that may have the claim since it is to be kept. */
  readonly keepers: string[]
  /** Whether one of them has it for certain. */
  isKept?: boolean
  /** The number of checkpoints that the claim has sent. */
  sent: number
  /** How often it has tried to join the line. */
  joins: number
  /** Of a candidate: the index of the checkpoint that it wrote last. */
  checkpoint?: number | undefined
}

/** The ticket just ahead of another one in line. */
export interface Predecessor extends Pick<Ticket, 'key' | 'session' | 'permits' | 'weight' | 'modified'> {
  /** The number of claims ahead, as far as the answer showed them. */
  readonly ahead: number
  /** Whether it has left since. */
  readonly left?: boolean
}

/** The part of a mutex's state that a claim has seen. */
export interface Sight {
  readonly lock: StoredKey | undefined
  /** The marker key of the line. */
  readonly line?: StoredKey | undefined
  /** The ticket just ahead; undefined if none stands there. */
  readonly behind?: Predecessor | undefined
  /** Whether that ticket is gone, probably since its turn had come. The transaction checks it. */
  readonly passed?: boolean
}

/** The claim holds by this key. */
export interface Holding extends Admitted {
  readonly by: Held
}

/** How claims of one kind get the lock and give it back. */
export interface Protocol {
  attempt(state: ClaimState, signal: AbortSignal): Promise<Attempt>
  /** Resolves when this answer, which `attempt` gave, may have changed; with the new one, if that is known. */
  changed(state: ClaimState, answer: Attempt, signal: AbortSignal): Promise<Attempt | undefined>
  /** Whether the claim holds, by a consistent read. Also refreshes `held`. */
  verify(state: ClaimState, signal: AbortSignal): Promise<boolean>
  /** Gives back the lock and the place in line, as far as the claim has them. */
  release(state: ClaimState, signal: AbortSignal): Promise<void>
}

/** The claims of one client. */
export class Claims {
  readonly #transport: Transport
  readonly #joint: Joint
  readonly #layout: Layout
  readonly #states = new WeakMap<Claim, ClaimState>()

  constructor(transport: Transport, joint: Joint, layout: Layout) {
    this.#transport = transport
    this.#joint = joint
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
    const keys = this.#layout.claimKeys(claim)
    const state = { claim, keys, value: claim.value, unanswered: false, keepers: [], sent: 0, joins: 0 }
    this.#states.set(claim, state)
    return state
  }

  /** Notes the session that has the claim's place in line, and is to have its permit. */
  seat(state: ClaimState, session: string): void {
    state.permitSession = session
    state.keys = this.#layout.claimKeys(state.claim, session)
  }

  /** Forgets a claim. Call it when nothing of the claim can be in Consul any more. */
  forget(claim: Claim): void {
    this.#states.delete(claim)
  }

  /**
   * Sends a transaction that writes. If no answer comes, `unanswered` stays true: the transaction may still be applied.
   */
  change(state: ClaimState, operations: readonly Operation[], signal: AbortSignal): Promise<TxnOutcome> {
    return this.changeAll([state], operations, signal)
  }

  /** The same for a mutex that is probably free. If many are under way, it may share its request with other names. */
  changeTogether(
    state: ClaimState,
    operations: readonly Operation[],
    signal: AbortSignal,
  ): Promise<TxnOutcome> {
    const { name } = state.claim
    return this.#noted([state], () => this.#joint.txn(name, operations, signal))
  }

  /** The same for several claims at once, or for claims that leave. */
  changeAll(
    states: readonly ClaimState[],
    operations: readonly Operation[],
    signal: AbortSignal,
    purpose?: 'gives back',
  ): Promise<TxnOutcome> {
    return this.#noted(states, () => this.#transport.txn(operations, signal, purpose))
  }

  async #noted(states: readonly ClaimState[], send: () => Promise<TxnOutcome>): Promise<TxnOutcome> {
    const before = states.map(({ unanswered }) => unanswered)
    const settle = (): void =>
      states.forEach((state, place) => void (state.unanswered = before[place] === true))
    for (const state of states) state.unanswered = true
    try {
      const outcome = await send()
      settle()
      return outcome
    } catch (error) {
      if (error instanceof SessionGoneError || error instanceof RefusedError) settle()
      throw error
    }
  }
}

/** The session that holds the claim's ticket. */
export function ownerOf({ permitSession, claim }: ClaimState): string {
  return permitSession ?? claim.session
}

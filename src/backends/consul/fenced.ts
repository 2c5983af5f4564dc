// Writes that Consul accepts only while the claim holds: its checkpoint, and its value. A write that arrives late
// never replaces a newer one, not even one of the same holder.

import { SessionGoneError, UnavailableError } from '../../base/errors.ts'
import type { ClaimState, Held, Protocol } from './claims.ts'
import type { Layout } from './layout.ts'
import type { Operation, StoredKey, Transport } from './wire/transport.ts'

/**
 * Each write also writes the key by which the claim holds, and is refused unless that key is as the last write left it.
 * So of two writes in flight one is refused, reads the key again, and is applied last.
 */
export class FencedWrites {
  readonly #transport: Transport
  readonly #layout: Layout

  constructor(transport: Transport, layout: Layout) {
    this.#transport = transport
    this.#layout = layout
  }

  /** Stores a checkpoint if the claim still stands, and says whether it does. */
  async checkpoint(
    state: ClaimState,
    protocol: Protocol,
    text: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { claim, held, keys } = state
    if (!held) return false
    if (claim.candidate) return this.#candidateCheckpoint(state, protocol, text, signal)
    const store: Operation = { verb: 'set', key: keys.checkpoint, value: text }
    const value = nextValue(state)
    const entries = await this.#write(state, protocol, [store, writeOwn(held, value)], signal)
    if (!entries) return false
    state.value = value
    held.modified = indexOf(entries, held.key) ?? held.modified
    return true
  }

  /** Replaces the value of the key by which the claim holds. */
  async proclaim(
    state: ClaimState,
    protocol: Protocol,
    value: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { held } = state
    if (!held) return false
    const entries = await this.#write(state, protocol, [writeOwn(held, value)], signal)
    if (!entries) return false
    state.value = value
    held.modified = indexOf(entries, held.key) ?? held.modified
    return true
  }

  /** Reads a checkpoint, by a consistent read. */
  async read(name: string, signal: AbortSignal): Promise<string | undefined> {
    const { entries } = await this.#transport.read({ key: this.#layout.keys(name).checkpoint }, signal)
    return entries[0]?.value
  }

  /**
   * Stores the checkpoint of a candidate. The value of its lock's key must not change, since other clients read it. So
   * here the condition is that the checkpoint itself is as the last write left it.
   */
  async #candidateCheckpoint(
    state: ClaimState,
    protocol: Protocol,
    text: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { keys } = state
    const index = state.checkpoint ?? (await this.#readIndex(keys.checkpoint, signal))
    state.checkpoint = undefined
    const store: Operation = { verb: 'cas', key: keys.checkpoint, value: text, index }
    const entries = await this.#write(state, protocol, [store], signal)
    if (!entries) return false
    state.checkpoint = indexOf(entries, keys.checkpoint) ?? index
    return true
  }

  async #readIndex(key: string, signal: AbortSignal): Promise<number> {
    const { entries } = await this.#transport.read({ key }, signal)
    return entries[0]?.modifyIndex ?? 0
  }

  /** Applies `writes` if the claim holds. Resolves with the written keys, or undefined if the claim no longer holds. */
  async #write(
    state: ClaimState,
    protocol: Protocol,
    writes: readonly Operation[],
    signal: AbortSignal,
  ): Promise<readonly StoredKey[] | undefined> {
    const { key, modified, session } = state.held as Held
    const stands: Operation = { verb: 'check-index', key, index: modified }
    const outcome = await this.#transport.txn([stands, ...writes], signal).catch((error) => {
      // Only the extra session of this permit is gone. The client's session and its other holds live on.
      if (error instanceof SessionGoneError && session !== state.claim.session) return undefined
      throw error
    })
    if (outcome?.applied) return outcome.entries
    if (!(await protocol.verify(state, signal))) return undefined
    throw new UnavailableError('another write of this hold came first; ask again')
  }
}

/**
 * A new value for the claim's key: the claim's value and blanks that count up, since Consul ignores a write of an equal
 * value.
 */
function nextValue(state: ClaimState): string {
  state.sent += 1
  return `${state.claim.value}${state.sent.toString(2).replaceAll('0', ' ').replaceAll('1', '\t')}`
}

function writeOwn({ key, flags, session }: Held, value: string): Operation {
  return { verb: 'lock', key, value, flags, session }
}

function indexOf(entries: readonly StoredKey[], wanted: string): number | undefined {
  return entries.findLast(({ key }) => key === wanted)?.modifyIndex
}

// Writes that etcd accepts only while the claim holds: its checkpoint, and its value. Ensures that a write that arrives late
// never replaces a newer one, not even one of the same holder.
import type { IRequestOp } from 'etcd3'
import { SessionGoneError, UnavailableError } from '../../base/errors.ts'
import type { Kept } from '../../contract.ts'
import { type Layout, partsOf } from './layout.ts'
import { createdAt, get, put, read, remove, touch, txn, versionIs } from './operations.ts'
import { attach, type ClaimState } from './own-key.ts'
import type { Transport } from './wire/transport.ts'

/** The lease of a claim that is kept, and the changes that go with it. */
export interface Keeping extends Kept {
  readonly lease: string
  readonly also: readonly IRequestOp[]
}

/**
 * Each write also increments the version of the claim's own key, and is refused unless it finds the expected version.
 * So of two concurrent writes one is refused, reads the version and is sent again.
 */
export class FencedWrites {
  readonly #transport: Transport
  readonly #layout: Layout

  constructor(transport: Transport, layout: Layout) {
    this.#transport = transport
    this.#layout = layout
  }

  /** Stores a checkpoint if the claim still stands, and returns whether it does. */
  checkpoint(state: ClaimState, text: string, signal: AbortSignal): Promise<boolean> {
    const store = put(this.#layout.checkpoint(state.claim.name), text)
    return this.#write(state, [store, touch(state.keys.key)], signal)
  }

  /** Replaces the value of the claim's own key, which keeps its place in line, as Go's Election.Proclaim does. */
  async proclaim(state: ClaimState, value: string, signal: AbortSignal): Promise<boolean> {
    const { key, lease } = state.keys
    state.value = value
    return this.#write(state, [put(key, value, lease)], signal)
  }

  /** Deletes the keys of the permits that the claim gives back. Their deletion admits the next in line. */
  async shrink(state: ClaimState, signal: AbortSignal): Promise<boolean> {
    const { claim, keys, created, weight } = state
    if (created === undefined) return false
    const kept = partsOf(claim, keys.key)
    const given = partsOf({ ...claim, weight }, keys.key).filter((key) => !kept.includes(key))
    const stands = createdAt(keys.key, created)
    const { succeeded } = await this.#transport.txn(txn([stands], given.map(remove)), signal)
    if (succeeded) state.weight = claim.weight
    return succeeded
  }

  /**
   * Moves the keys of the claim to a lease of their own, on which they keep their place in line, and starts the time of that lease.
   * `also` are further changes of the same transaction. A repeated call moves them to another lease; a late one finds another
   * version of the key, and is refused. Costs three requests.
   */
  async keep(state: ClaimState, { lease, ms, value, also }: Keeping, signal: AbortSignal): Promise<boolean> {
    const { claim, keys } = state
    await this.#transport.grant(lease, Math.ceil(ms / 1_000), signal)
    state.kept = (state.kept ?? new Set()).add(lease)
    const parts = partsOf(claim, keys.key).map((part) => put(part, '', lease))
    if (!(await this.#write(state, [put(keys.key, value, lease), ...parts, ...also], signal))) return false
    await this.#transport.keepAlive(lease, signal).catch((error) => {
      if (!(error instanceof SessionGoneError)) throw error
      throw new UnavailableError('the time of the kept claim was over before it began; ask again')
    })
    state.isKept = true
    return true
  }

  /** Reads a checkpoint, by a consistent read. */
  async read(name: string, signal: AbortSignal): Promise<string | undefined> {
    const response = await this.#transport.txn(txn([], [get(this.#layout.checkpoint(name))]), signal)
    return read(response.responses, 0).kvs[0]?.value.toString()
  }

  async #write(state: ClaimState, operations: IRequestOp[], signal: AbortSignal): Promise<boolean> {
    const { keys, created, version } = state
    if (created === undefined) return false
    const { key } = keys
    const stands = [createdAt(key, created), versionIs(key, version)]
    const response = await this.#transport.txn(txn(stands, operations, [get(key)]), signal)
    if (response.succeeded) {
      state.version = version + 1n
      return true
    }
    const own = read(response.responses, 0).kvs[0]
    if (own?.create_revision !== String(created)) return false
    await attach(this.#transport, state, own, signal)
    throw new UnavailableError('another write of this hold came first; ask again')
  }
}

// What a holder writes into etcd, and only while it holds: its checkpoint, and the value that others read. Owns that a
// write which arrives late never replaces a later one, not even of the same holder.
import type { IRequestOp } from 'etcd3'
import { UnavailableError } from '../../base/errors.ts'
import type { ClaimState } from './claims.ts'
import type { Layout } from './layout.ts'
import { createdAt, get, put, read, touch, txn, versionIs } from './operations.ts'
import type { Transport } from './wire/transport.ts'

/**
 * Each write also counts up the version of the claim's own key, and is refused unless it finds the version it
 * expects: so of two writes in flight, one is refused, asks for the version and goes last.
 */
export class FencedWrites {
  readonly #transport: Transport
  readonly #layout: Layout

  constructor(transport: Transport, layout: Layout) {
    this.#transport = transport
    this.#layout = layout
  }

  /** Stores a checkpoint if the claim still stands, and says whether it does. */
  checkpoint(state: ClaimState, text: string, signal: AbortSignal): Promise<boolean> {
    const store = put(this.#layout.checkpoint(state.claim.name), text)
    return this.#write(state, [store, touch(state.keys.key)], signal)
  }

  /** Replaces the value of the claim's own key, which keeps its place: as Go's Election.Proclaim does. */
  proclaim(state: ClaimState, value: string, signal: AbortSignal): Promise<boolean> {
    const { key, lease } = state.keys
    return this.#write(state, [put(key, value, lease)], signal)
  }

  /** Reads a checkpoint linearizably. */
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
    state.version = BigInt(own.version)
    throw new UnavailableError('another write of this hold came first; ask again')
  }
}

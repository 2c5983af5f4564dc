// What a holder writes into etcd, and only while it holds: its checkpoint, and the value that others read. Owns that a
// write which arrives late never replaces a later one, not even of the same holder.
import type { IRequestOp } from 'etcd3'
import { UnavailableError } from '../../base/errors.ts'
import type { Claim } from '../../contract.ts'
import { type Layout, leaseOf } from './layout.ts'
import { createdAt, get, put, read, touch, txn, versionIs } from './operations.ts'
import type { Transport } from './wire/transport.ts'

/** A claim that holds. */
export interface Writer {
  readonly claim: Claim
  readonly key: string
  readonly created: bigint
}

/**
 * Each write also counts up the version of the claim's own key, and is refused unless it finds the version it
 * expects: so of two writes in flight, one is refused, asks for the version and goes last.
 */
export class FencedWrites {
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #versions = new WeakMap<Claim, bigint>()

  constructor(transport: Transport, layout: Layout) {
    this.#transport = transport
    this.#layout = layout
  }

  /** Stores a checkpoint if the claim still stands, and says whether it does. */
  checkpoint(writer: Writer, text: string, signal: AbortSignal): Promise<boolean> {
    const store = put(this.#layout.checkpoint(writer.claim.name), text)
    return this.#write(writer, [store, touch(writer.key)], signal)
  }

  /** Replaces the value of the claim's own key, which keeps its place: as Go's Election.Proclaim does. */
  proclaim(writer: Writer, value: string, signal: AbortSignal): Promise<boolean> {
    return this.#write(writer, [put(writer.key, value, leaseOf(writer.claim.session))], signal)
  }

  /** Reads a checkpoint linearizably. */
  async read(name: string, signal: AbortSignal): Promise<string | undefined> {
    const response = await this.#transport.txn(txn([], [get(this.#layout.checkpoint(name))]), signal)
    return read(response.responses, 0).kvs[0]?.value.toString()
  }

  async #write(writer: Writer, operations: IRequestOp[], signal: AbortSignal): Promise<boolean> {
    const { claim, key, created } = writer
    const version = this.#versions.get(claim) ?? 1n
    const stands = [createdAt(key, created), versionIs(key, version)]
    const response = await this.#transport.txn(txn(stands, operations, [get(key)]), signal)
    if (response.succeeded) {
      this.#versions.set(claim, version + 1n)
      return true
    }
    const own = read(response.responses, 0).kvs[0]
    if (own?.create_revision !== String(created)) return false
    this.#versions.set(claim, BigInt(own.version))
    throw new UnavailableError('another write of this hold came first; ask again')
  }
}

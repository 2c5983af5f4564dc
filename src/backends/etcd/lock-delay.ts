// The option `lockDelayMs`: a record next to each claim, which stays when the lease of the claim ends. Owns when a record
// without its claim keeps other clients out, and for how long. claims.ts writes and removes records together with keys.
import type { IRangeResponse } from 'etcd3'
import type { Clock } from '../../base/clock.ts'
import { SessionGoneError } from '../../base/errors.ts'
import { type Layout, leaseOf } from './layout.ts'
import { get, modifiedAt, put, read, txn } from './operations.ts'
import type { Transport } from './wire/transport.ts'

/** A claim whose key is gone although nobody released it: its record is still there. */
export interface Dead {
  readonly key: string
  /** The revision at which the record was written last. */
  readonly modified: bigint
  /** How many permits the claim took. */
  readonly weight: number
  /** Whether the record already has the lease that ends it after the lock-delay. */
  readonly counted: boolean
}

/**
 * etcd has no lock-delay, so a client with this option builds one. The record of a claim has no lease. The first client that
 * finds a record without its claim binds it to a fresh lease of `lockDelayMs`, and all wait until the record is gone. So
 * no client measures time, and a client that asks only once in a while waits no longer than the others.
 */
export class LockDelay {
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #clock: Clock
  readonly ms: number

  /** With `ms` 0 there are no records, and nothing here sends a request. */
  constructor(transport: Transport, layout: Layout, clock: Clock, ms: number) {
    this.#transport = transport
    this.#layout = layout
    this.#clock = clock
    this.ms = ms
  }

  /** Binds these records to a lease, so that they end after the lock-delay. */
  async count(dead: readonly Dead[], signal: AbortSignal): Promise<void> {
    const fresh = dead.filter(({ counted }) => !counted)
    if (fresh.length === 0) return
    const lease = this.#clock.id().toString()
    await this.#transport.grant(lease, Math.ceil(this.ms / 1_000), signal)
    for (const { key, modified } of fresh) {
      await this.#transport.txn(txn([modifiedAt(key, modified)], [put(key, '', lease)]), signal)
    }
  }

  /** Writes a key that shows that the session lives. A renewal does not: a server that is no longer leader may answer it. */
  async open(session: string, signal: AbortSignal): Promise<void> {
    if (this.ms === 0) return
    await this.#transport.txn(txn([], [put(this.#layout.session(session), '', leaseOf(session))]), signal)
  }

  /** Rejects with SessionGoneError unless the session lives now, by a consistent read. */
  async confirm(session: string, signal: AbortSignal): Promise<void> {
    if (this.ms === 0) return
    const { responses } = await this.#transport.txn(txn([], [get(this.#layout.session(session))]), signal)
    if (read(responses, 0).kvs.length === 0) throw new SessionGoneError(`lease ${leaseOf(session)} has ended`)
  }
}

/** The records of this answer whose claim is not in the line that the same answer shows. */
export function deadOf(
  records: IRangeResponse,
  line: readonly { readonly created: bigint }[],
  before: bigint,
): Dead[] {
  const standing = new Set(line.map(({ created }) => created))
  const earlier = records.kvs.filter(({ create_revision }) => BigInt(create_revision) < before)
  const all = earlier.map(({ key, mod_revision, lease }) => {
    const [, weight = 1] = /\.w(\d+)$/.exec(key.toString()) ?? []
    const facts = { key: key.toString(), weight: Number(weight) }
    return { ...facts, modified: BigInt(mod_revision), counted: lease !== '0' }
  })
  // One transaction writes a key and its record, so they have one revision. A record that is counted was written again.
  return all.filter(({ counted, modified }) => counted || !standing.has(modified))
}

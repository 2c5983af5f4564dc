// Reads the keys of claims of one client, many in one transaction. claims.ts knows what the keys mean.
import type { IKeyValue } from 'etcd3'
import { Batches } from '../shared/batches.ts'
import { getAll, read, txn } from './operations.ts'
import type { Portions } from './portions.ts'
import type { KeyRange, Transport } from './wire/transport.ts'

/**
 * The most ranges of one transaction. etcd takes 128 operations by default, and as many requests of a client are under way: so a client
 * with many holds fills each transaction.
 */
const mostRanges = 128

/** Reads of keys, one request after another. Keys that are asked for during a request are in the next one. */
export class Reads {
  readonly #batches: Batches<KeyRange, readonly IKeyValue[]>

  constructor(transport: Transport, portions: Portions) {
    const send = async (ranges: readonly KeyRange[], signal: AbortSignal) => {
      const { responses } = await transport.txn(txn([], ranges.map(getAll)), signal)
      return ranges.map((_, place) => read(responses, place).kvs)
    }
    this.#batches = new Batches(
      () => portions.size(mostRanges, 1),
      (ranges, signal) => portions.send(ranges, 1, (some) => send(some, signal)),
    )
  }

  /** The keys of this range, by a consistent read that is sent after this call. Rejects as the transport does. */
  all(range: KeyRange, signal: AbortSignal): Promise<readonly IKeyValue[]> {
    return this.#batches.ask(range, signal)
  }
}

// The limit of the keys below a name. etcd reads and sorts all keys of a range for the few that are asked for. Owns the
// limit, and the error that says what is in the way.
import type { IRangeResponse } from 'etcd3'
import { ConflictError } from '../../base/errors.ts'
import { quoted } from '../../base/printable.ts'
import { read, txn } from './operations.ts'
import type { KeyRange, Transport } from './wire/transport.ts'

/** The most keys below a name: each question about the name makes etcd read and sort all of them. */
export const keysMost = 10_000

/**
 * Asks how many keys a range has: etcd looks into its index and reads none. For a question that was not answered in time:
 * if there are too many keys, it would take as long again. Rejects with ConflictError then.
 */
export async function checkCrowd(transport: Transport, range: KeyRange, signal: AbortSignal): Promise<void> {
  const { key, end = '' } = range
  const count = { key: Buffer.from(key), range_end: Buffer.from(end), count_only: true }
  const { responses } = await transport.txn(txn([], [{ request_range: count }]), signal)
  checkCount(range, read(responses, 0))
}

/** Throws ConflictError if the range, of which this is an answer, has too many keys. */
export function checkCount({ key }: KeyRange, { count, kvs }: Pick<IRangeResponse, 'count' | 'kvs'>): void {
  if (Number(count) <= keysMost) return
  const such = kvs[0] ? `, such as ${quoted(kvs[0].key.toString())}` : ''
  throw new ConflictError(
    `${count} keys are below ${quoted(key)}${such}, and a lock there may have ${keysMost} at most, since etcd reads them all ` +
      'for each question: choose another name, or a namespace without other data',
  )
}

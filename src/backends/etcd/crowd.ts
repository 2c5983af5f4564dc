// The limit of the keys below a name: if a few keys of a range are asked for, etcd reads and sorts all of them. Owns the
// limit, and the error that names a key in the way.
import type { IRangeResponse } from 'etcd3'
import { ConflictError } from '../../base/errors.ts'
import { quoted } from '../../base/printable.ts'
import { read, txn } from './operations.ts'
import type { KeyRange, Transport } from './wire/transport.ts'

/** The most keys below a name: each question about the name makes etcd read and sort all of them. */
export const keysMost = 10_000

/**
 * Asks how many keys a range has. etcd answers that from its index and reads no key. Call it when a question was not answered
 * in time: if there are too many keys, the next question would take as long. Then it rejects with ConflictError.
 */
export async function checkCrowd(transport: Transport, range: KeyRange, signal: AbortSignal): Promise<void> {
  const { key, end = '' } = range
  const count = { key: Buffer.from(key), range_end: Buffer.from(end), count_only: true }
  const { responses } = await transport.txn(txn([], [{ request_range: count }]), signal)
  checkCount(range, read(responses, 0))
}

/** Throws ConflictError if the range has too many keys, according to this answer. */
export function checkCount({ key }: KeyRange, { count, kvs }: Pick<IRangeResponse, 'count' | 'kvs'>): void {
  if (Number(count) <= keysMost) return
  const such = kvs[0] ? `, such as ${quoted(kvs[0].key.toString())}` : ''
  throw new ConflictError(
    `${count} keys are below ${quoted(key)}${such}, and a lock there may have ${keysMost} at most, since etcd reads them all ` +
      'for each question: choose another name, or a namespace without other data',
  )
}

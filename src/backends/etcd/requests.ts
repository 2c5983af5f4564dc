// The transactions of the etcd backend, as etcd's protocol has them. Pure functions from keys to requests; what an
// answer means is line.ts's. See https://etcd.io/docs/v3.5/learning/api/
import type { ICompare, IRangeResponse, IRequestOp, ITxnRequest } from 'etcd3'
import type { KeyRange } from './transport.ts'

const equal = 0
const less = 2
const version = 0
const create = 1
const descending = 2
const ascending = 1
const byCreate = 2
const byValue = 4

/** How many of the latest claims a mutex reads: it waits for one of them, but some may belong to other names. */
export const glance = 8

/** True if the key does not exist. */
export const absent = (key: string): ICompare => createdAt(key, 0n)

/** True if the key exists and is the one created at this revision, or, for 0, does not exist. */
export function createdAt(key: string, revision: bigint): ICompare {
  return { key: Buffer.from(key), target: create, result: equal, create_revision: String(revision) }
}

/** True if nothing in the range was created after this revision; for 0: if the range is empty. */
export function noneSince(range: KeyRange, revision: bigint): ICompare {
  return { ...bounds(range), target: create, result: less, create_revision: String(revision + 1n) }
}

/** True if the key has been written exactly so many times since it was created. */
export function versionIs(key: string, times: bigint): ICompare {
  return { key: Buffer.from(key), target: version, result: equal, version: String(times) }
}

export function get(key: string): IRequestOp {
  return { request_range: { key: Buffer.from(key) } }
}

export function put(key: string, value: string, lease = '0'): IRequestOp {
  return { request_put: { key: Buffer.from(key), value: Buffer.from(value), lease } }
}

/** Writes a key as it is, which counts its version up. */
export function touch(key: string): IRequestOp {
  return { request_put: { key: Buffer.from(key), ignore_value: true, ignore_lease: true } }
}

export function remove(key: string): IRequestOp {
  return { request_delete_range: { key: Buffer.from(key) } }
}

/** The keys of a line, the latest first: all of them, or the last few. */
export function latest(range: KeyRange, limit: number, beforeRevision?: bigint): IRequestOp {
  const until = beforeRevision === undefined ? {} : { max_create_revision: String(beforeRevision - 1n) }
  const order = { sort_order: descending, sort_target: byCreate, keys_only: true, limit } as const
  return { request_range: { ...bounds(range), ...order, ...until } }
}

/** The claims of a line with their values, in order: the first few, or, for 0, all. */
export function inOrder(range: KeyRange, limit = 0): IRequestOp {
  return { request_range: { ...bounds(range), sort_order: ascending, sort_target: byCreate, limit } }
}

/** The keys of a line without their values, in order: the first few, or, for 0, all. */
export function keysInOrder(range: KeyRange, limit: number): IRequestOp {
  const order = { sort_order: ascending, sort_target: byCreate, keys_only: true, limit } as const
  return { request_range: { ...bounds(range), ...order } }
}

/**
 * The keys of a line that were created between two revisions, both included, with their leases. Since 3.7, etcd tells of a
 * key that it reads without its value no lease, unless it has to sort by the values.
 */
export function leases(range: KeyRange, from: bigint, to: bigint): IRequestOp {
  const between = { min_create_revision: String(from), max_create_revision: String(to) }
  return { request_range: { ...bounds(range), keys_only: true, sort_target: byValue, ...between } }
}

/** Keys with their values, in the order of keys, as they were at a revision; for 0, as they are. */
export function page(key: Buffer, end: string, limit: number, revision: string): IRequestOp {
  return { request_range: { key, range_end: Buffer.from(end), limit, revision } }
}

/** A transaction. */
export function txn(compare: ICompare[], success: IRequestOp[], failure: IRequestOp[] = []): ITxnRequest {
  return { compare, success, failure }
}

/** The answer to the nth operation, which was a read. */
export function read(responses: { response_range: IRangeResponse }[], index: number): IRangeResponse {
  return (responses[index] as { response_range: IRangeResponse }).response_range
}

function bounds({ key, end }: KeyRange): { key: Buffer; range_end?: Buffer } {
  return end === undefined
    ? { key: Buffer.from(key) }
    : { key: Buffer.from(key), range_end: Buffer.from(end) }
}

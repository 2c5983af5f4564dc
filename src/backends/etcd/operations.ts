// The transactions of the etcd backend, in etcd's protocol. Pure functions from keys to requests; line.ts reads the
// answers. See https://etcd.io/docs/v3.5/learning/api/
import type { ICompare, IRangeRequest, IRangeResponse, IRequestOp, ITxnRequest, ITxnResponse } from 'etcd3'
import type { Claim } from '../../contract.ts'
import { type ClaimKeys, partsOf } from './layout.ts'
import type { KeyRange } from './wire/transport.ts'

const equal = 0
const greater = 1
const less = 2
const version = 0
const create = 1
const modify = 2
const descending = 2
const ascending = 1
const byCreate = 2
const byValue = 4

/** How many of the latest claims a mutex reads. It waits for one of them, but some may belong to longer names. */
export const glance = 8
/** How many of them a claim on a semaphore reads as it joins. */
export const glances = 32

/** True if the key does not exist. */
export function absent(key: string): ICompare {
  return { key: Buffer.from(key), target: create, result: equal, create_revision: '0' }
}

/** True if the key exists. */
export function present(key: string): ICompare {
  return { key: Buffer.from(key), target: create, result: greater, create_revision: '0' }
}

/** True if the key exists and was created at this revision. */
export function createdAt(key: string, revision: bigint): ICompare {
  return { key: Buffer.from(key), target: create, result: equal, create_revision: String(revision) }
}

/** True if no key of the range was created after this revision; with 0: if the range is empty. */
export function noneSince(range: KeyRange, revision: bigint): ICompare {
  return { ...bounds(range), target: create, result: less, create_revision: String(revision + 1n) }
}

/** True if the key exists and was written last at this revision. */
export function modifiedAt(key: string, revision: bigint): ICompare {
  return { key: Buffer.from(key), target: modify, result: equal, mod_revision: String(revision) }
}

/** True if the key has been written exactly this many times since it was created. */
export function versionIs(key: string, times: bigint): ICompare {
  return { key: Buffer.from(key), target: version, result: equal, version: String(times) }
}

/** Reads a key. */
export function get(key: string): IRequestOp {
  return getAll({ key })
}

/** Reads the keys of a range, in their order. */
export function getAll(range: KeyRange): IRequestOp {
  return { request_range: bounds(range) }
}

/** Writes a key, attached to a lease if one is given. */
export function put(key: string, value: string, lease = '0'): IRequestOp {
  return { request_put: { key: Buffer.from(key), value: Buffer.from(value), lease } }
}

/** Writes a key unchanged, which increments its version. */
export function touch(key: string): IRequestOp {
  return { request_put: { key: Buffer.from(key), ignore_value: true, ignore_lease: true } }
}

/** Deletes a key. Deleting a missing key succeeds. */
export function remove(key: string): IRequestOp {
  return removeAll({ key })
}

/** Deletes the keys of a range. */
export function removeAll(range: KeyRange): IRequestOp {
  return { request_delete_range: bounds(range) }
}

/** Puts all keys of a claim, and its record if it has one. */
export function putClaim(
  claim: Claim,
  { key, lease, record }: Pick<ClaimKeys, 'key' | 'lease' | 'record'>,
): IRequestOp[] {
  const parts = partsOf(claim, key).map((part) => put(part, '', lease))
  return [put(key, claim.value, lease), ...parts, ...(record ? [put(record, '')] : [])]
}

/** Deletes all keys of a claim, and its record if it has one. */
export function removeClaim({ own, record }: ClaimKeys): IRequestOp[] {
  return [removeAll(own), ...(record ? [remove(record)] : [])]
}

/** The keys of a line that a claim reads: those that were created before one revision and after another. */
export interface Span {
  readonly before?: bigint | undefined
  readonly after?: bigint | undefined
}

/**
 * Reads the line of a claim, the latest key first: the last `limit` keys, or all with 0. If claims have records, a second
 * read gets those of the name.
 */
export function look(
  { line, records }: Pick<ClaimKeys, 'line' | 'records'>,
  limit: number,
  { before, after = 0n }: Span = {},
): IRequestOp[] {
  const { key, range_end } = bounds(line)
  // One literal: copies by `...` took a good part of a cycle.
  const request_range = {
    key,
    range_end,
    sort_order: descending,
    sort_target: byCreate,
    keys_only: true,
    limit,
    max_create_revision: before === undefined ? undefined : String(before - 1n),
    min_create_revision: after === 0n ? undefined : String(after + 1n),
  } as IRangeRequest
  const keys = { request_range }
  return records ? [keys, inOrder(records)] : [keys]
}

/** How many keys a range has. etcd answers that from its index and reads no key. */
export function count(range: KeyRange): IRequestOp {
  return { request_range: { ...bounds(range), count_only: true } }
}

/** The claims of a line with their values, in order: the first `limit` of them, or all with 0. */
export function inOrder(range: KeyRange, limit = 0): IRequestOp {
  return { request_range: { ...bounds(range), sort_order: ascending, sort_target: byCreate, limit } }
}

/** The keys of a line without their values, in order: the first `limit` of them, or all with 0. */
export function keysInOrder(range: KeyRange, limit: number): IRequestOp {
  const order = { sort_order: ascending, sort_target: byCreate, keys_only: true, limit } as const
  return { request_range: { ...bounds(range), ...order } }
}

/**
 * The keys of a line that were created between two revisions, both included, with their leases. Since 3.7, etcd leaves
 * out the leases of keys that it reads without values, unless it has to sort by the values.
 */
export function leases(range: KeyRange, from: bigint, to: bigint): IRequestOp {
  const between = { min_create_revision: String(from), max_create_revision: String(to) }
  return { request_range: { ...bounds(range), keys_only: true, sort_target: byValue, ...between } }
}

/** Keys with their values, ordered by key, as they were at a revision; with 0, as they are now. */
export function page(key: Buffer, end: string, limit: number, revision: string): IRequestOp {
  return { request_range: { key, range_end: Buffer.from(end), limit, revision } }
}

/** The create revision of the key that an answer read first. */
export function createRevision({ responses }: ITxnResponse): bigint | undefined {
  const [own] = read(responses, 0).kvs
  return own && BigInt(own.create_revision)
}

/** A transaction. */
export function txn(compare: ICompare[], success: IRequestOp[], failure: IRequestOp[] = []): ITxnRequest {
  return { compare, success, failure }
}

/** The answer to the nth operation, which must be a read. */
export function read(responses: { response_range: IRangeResponse }[], index: number): IRangeResponse {
  return (responses[index] as { response_range: IRangeResponse }).response_range
}

function bounds({ key, end }: KeyRange): { key: Buffer; range_end?: Buffer } {
  return end === undefined
    ? { key: Buffer.from(key) }
    : { key: Buffer.from(key), range_end: Buffer.from(end) }
}

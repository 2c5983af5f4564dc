// A line as one answer of etcd shows it: who stands ahead of a claim, and whether that is all. Pure; what to do about
// it is backend.ts's.
import type { IKeyValue, IRangeResponse } from 'etcd3'
import type { Claim } from '../../backend.ts'
import { ConflictError } from '../../errors.ts'
import type { Layout } from './layout.ts'
import type { KeyRange } from './transport.ts'

/** A claim that stands in a line before another. */
export interface Place {
  readonly key: string
  readonly created: bigint
  /** Undefined where the key is of nobody we know. */
  readonly limit: number | undefined
  /** Whether the answer named a lease. Where it did not, there is none, or etcd did not tell: see `leases`. */
  readonly leased: boolean
}

/** What stands ahead of a claim, the latest first. */
export interface Line {
  /** The revision of the store at which this was true. */
  readonly revision: bigint
  readonly ahead: readonly Place[]
  /** Whether `ahead` is all there is, rather than the last few. */
  readonly complete: boolean
}

/** Reads an answer to `latest`. `before` is the create revision of the claim, where it has one. */
export function readLine(
  layout: Layout,
  name: string,
  answer: { revision: bigint; range: IRangeResponse; before?: bigint | undefined },
): Line {
  const { revision, range, before = revision + 1n } = answer
  const places = range.kvs.map((kv) => readPlace(layout, name, kv))
  const ahead = places.filter((place) => place !== undefined).filter(({ created }) => created < before)
  return { revision, ahead, complete: !range.more }
}

/** Whether the claim may hold: undefined where the line must be read to its end to say so. */
export function admits({ ahead, complete }: Line, limit: number): boolean | undefined {
  if (ahead.length >= limit) return false
  return complete ? true : undefined
}

/** Those ahead that may have no lease, the latest first. */
export function maybeUnleased({ ahead }: Line): readonly Place[] {
  return ahead.filter(({ leased }) => !leased)
}

/** Throws ConflictError if one of these keys is among those that were read with their leases, and has none. */
export function checkLeases(places: readonly Place[], read: IRangeResponse, { name }: Claim): void {
  const bare = new Set(read.kvs.filter(({ lease }) => lease === '0').map(({ key }) => key.toString()))
  const data = places.find(({ key }) => bare.has(key))
  if (!data) return
  const key = JSON.stringify(data.key)
  throw new ConflictError(
    `the key ${key} has no lease, so it would block the lock ${JSON.stringify(name)} for ever`,
  )
}

/**
 * Throws ConflictError if the line is of another kind. The oldest decides, since a newcomer that does not fit may stand
 * there for a moment, until it sees its own conflict.
 */
export function checkKind({ ahead }: Line, { name, limit }: Claim): void {
  const oldest = ahead.at(-1)
  if (!oldest || (oldest.limit ?? 1) === limit) return
  throw new ConflictError(
    `${JSON.stringify(name)} is in use as ${kind(oldest.limit)}; this asks for ${kind(limit)}`,
  )
}

/**
 * The keys to watch, and whether what the watch tells proves an admission. It does where it covers the own key and all
 * that stands ahead: two keys and what lies between them, or the line of a semaphore. Further back in the line of
 * a mutex it is enough, and cheaper for everyone, to wait for the predecessor and then to look.
 */
export function whatToWatch(
  { ahead, complete }: Line,
  own: { key: string; limit: number; line: KeyRange },
): { range: KeyRange; proves: boolean } {
  if (own.limit > 1) return { range: own.line, proves: true }
  const predecessor = ahead[0]?.key ?? own.key
  if (ahead.length > 1 || !complete) return { range: { key: predecessor }, proves: false }
  const [first = own.key, last = own.key] = [predecessor, own.key].sort(byBytes)
  return { range: { key: first, end: `${last}\0` }, proves: true }
}

function readPlace(layout: Layout, name: string, kv: IKeyValue): Place | undefined {
  const key = kv.key.toString()
  const facts = layout.parse(name, key)
  return facts && { key, created: BigInt(kv.create_revision), limit: facts.limit, leased: kv.lease !== '0' }
}

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

function kind(limit = 1): string {
  return limit === 1 ? 'a mutex' : `a semaphore with ${limit} permits`
}

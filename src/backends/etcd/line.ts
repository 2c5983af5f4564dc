// A line as one answer of etcd shows it: the claims ahead of one claim, and whether the answer has all of them. Pure
// functions; claims.ts and waits.ts act on their results.
import type { IKeyValue, IRangeResponse } from 'etcd3'
import { ConflictError } from '../../base/errors.ts'
import { quoted } from '../../base/printable.ts'
import type { Admitted, Claim, Waiting } from '../../contract.ts'
import { inUse } from '../shared/conflict.ts'
import { ahead as between, fits, type Sized, weigh } from '../shared/room.ts'
import type { Layout } from './layout.ts'
import { type Dead, deadOf } from './lock-delay.ts'
import { glance, glances } from './operations.ts'
import type { ClaimState } from './own-key.ts'
import type { KeyRange } from './wire/transport.ts'

/** The key of a claim that stands ahead of another. */
export interface StandingKey {
  readonly key: string
  readonly created: bigint
  /** Undefined if an unknown program wrote the key. */
  readonly permits: number | undefined
  /** How many permits the key takes. */
  readonly weight: number
  /** Whether the answer named a lease. If not, the key has none, or etcd left it out: see `leases`. */
  readonly leased: boolean
}

/** The most keys below a name: each question about the name makes etcd read and sort all of them. */
export const keysMost = 10_000

/** The claims ahead of a claim, the latest first. */
export interface Line {
  /** The revision of the store at which this was read. */
  readonly revision: bigint
  readonly ahead: readonly StandingKey[]
  /** Whether `ahead` has all claims, rather than the last few. */
  readonly complete: boolean
  /** Claims that ended without a release, and keep their permits until the lock-delay is over. Empty unless complete. */
  readonly dead: readonly Dead[]
}

/** An answer to a claim. A waiting answer carries the line that it was read from. */
export type Answer = Admitted | Queueing
interface Queueing extends Waiting {
  /** Undefined if the claim does not stand in line. */
  readonly line?: Line
}

/** The claims of an answer to `look`, the latest first. Throws ConflictError if the range has too many keys. */
export function readKeys(layout: Layout, name: string, range: IRangeResponse): StandingKey[] {
  checkCount(layout.line(name), range)
  return range.kvs.map((kv) => readKey(layout, name, kv)).filter((key) => key !== undefined)
}

/** The line before this create revision, out of claims that were found, the latest first. `records` are those of the name. */
export function lineOf(
  found: readonly StandingKey[],
  {
    revision,
    before = revision + 1n,
    complete,
    records,
  }: Pick<Line, 'revision' | 'complete'> & {
    readonly before?: bigint | undefined
    readonly records?: IRangeResponse | undefined
  },
): Line {
  const form = found.at(-1)?.permits
  const ahead = found.filter(({ created }) => created < before).map((key) => asOneOf(form, key))
  const dead = records && complete ? deadOf(records, ahead, before) : []
  return { revision, ahead, complete, dead }
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

/**
 * A claim with the weight that it has in a line of so many permits. A claim of another form takes them all: the client of
 * a mutex (`etcdctl lock`, Go) waits for all claims before it, and then believes that it is alone.
 */
export function asOneOf<T extends Pick<StandingKey, 'permits' | 'weight'>>(
  form: number | undefined,
  claim: T,
): T {
  return form !== undefined && claim.permits !== form ? { ...claim, weight: form } : claim
}

/** Whether the claim may hold. Undefined if only the whole line can show that: all but a mutex wait by the whole line, too. */
export function admits({ ahead, complete, dead }: Line, claim: Sized): boolean | undefined {
  const taken = weigh(ahead)
  if (!complete && claim.permits > 1) return undefined
  if (!fits(claim, taken)) return false
  return complete ? fits(claim, taken + weigh(dead)) : undefined
}

/**
 * How many keys of its line a claim reads as it joins. A mutex needs only its predecessor. Another claim needs all of them. If there are
 * more, it reads the line once more, together with the other claims of its client.
 */
export function keysToRead({ permits }: Claim): number {
  return permits === 1 ? glance : glances
}

/** How many keys a claim that stands in line reads; 0 means all. */
export function keysToSee({ permits }: Claim): number {
  return permits === 1 ? glance : 0
}

/**
 * The answer to a claim that holds. A mutex has as its token the revision of the answer or event that admitted it, as in
 * Go and etcdctl. One revision may admit several holders of another lock, so their token is the place in line, the create
 * revision, which also grows in the order of admission. A candidate has the create revision as well, since observers see
 * only that; Go's Election calls it its revision.
 */
export function admitted({ claim, created }: ClaimState, revision: bigint): Admitted {
  const { permits, candidate } = claim
  return { held: true, token: permits === 1 && !candidate ? revision : (created as bigint) }
}

/** The answer to a claim that has no room in its line. */
export function waiting({ ahead, dead }: Line, claim: Sized): Waiting {
  const claims = new Set(ahead.map(({ created }) => created)).size // a claim may have several keys
  const taken = weigh(ahead)
  return {
    held: false,
    ahead: between(claim, taken + weigh(dead), claims + dead.length),
    ...(dead.length > 0 && fits(claim, taken) ? { delayed: true } : {}),
  }
}

/** The claims ahead that may have no lease, the latest first. */
export function maybeUnleased({ ahead }: Line): readonly StandingKey[] {
  return ahead.filter(({ leased }) => !leased)
}

/** Throws ConflictError if one of these keys has no lease, according to `read`. */
export function checkLeases(places: readonly StandingKey[], read: IRangeResponse, claim: Claim): void {
  const bare = new Set(read.kvs.filter(({ lease }) => lease === '0').map(({ key }) => key.toString()))
  const data = places.find(({ key }) => bare.has(key))
  if (data) throw inUse(claim, { permits: undefined, key: data.key, leftOver: true })
}

/** The error for a key that stands where claims stand, and has no lease: it would stay for ever. */
export function notLeased(key: string): ConflictError {
  const advice = 'choose another name, or delete it if nobody uses it any more'
  return new ConflictError(
    `the key ${quoted(key)} is in the way and is no claim, since it has no lease: ${advice}`,
  )
}

/**
 * Throws ConflictError if the name is in use as another kind of lock. Only the oldest claim is compared: a newer one of the
 * wrong kind may be in line briefly, before it withdraws.
 */
export function checkKind({ ahead }: Line, claim: Claim): void {
  const oldest = ahead.at(-1)
  const permits = oldest?.permits ?? 1
  if (oldest && permits !== claim.permits) throw inUse(claim, { permits })
}

/**
 * The keys to watch, and whether the events of that watch prove an admission. They do if the watch covers the own key
 * and all keys ahead: two keys and the range between them, or the line of a semaphore. Further back in the line of a
 * mutex it is cheaper to watch only the predecessor, and to read the line when that is gone.
 */
export function whatToWatch(
  { ahead, complete }: Line,
  own: { key: string; permits: number; line: KeyRange },
): { range: KeyRange; proves: boolean } {
  if (own.permits > 1) return { range: own.line, proves: true }
  const predecessor = ahead[0]?.key ?? own.key
  if (ahead.length > 1 || !complete) return { range: { key: predecessor }, proves: false }
  const [first = own.key, last = own.key] = [predecessor, own.key].sort(byBytes)
  return { range: { key: first, end: `${last}\0` }, proves: true }
}

function readKey(layout: Layout, name: string, kv: IKeyValue): StandingKey | undefined {
  const key = kv.key.toString()
  const facts = layout.parse(name, key)
  if (!facts) return undefined
  const { permits, weight } = facts
  return { key, created: BigInt(kv.create_revision), permits, weight, leased: kv.lease !== '0' }
}

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

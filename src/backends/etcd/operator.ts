// The claims of other clients: lists them for one name or many, breaks a hold, and makes room in a line. Decides which keys
// of a namespace are claims, since other programs may keep data in it.
import { Semaphore } from 'async-mutex'
import type { IKeyValue, IRangeResponse } from 'etcd3'
import { RefusedError, SessionGoneError } from '../../base/errors.ts'
import { cohortPermits } from '../../base/shapes.ts'
import type { NameState, Overtaking, Standing } from '../../contract.ts'
import { byName, isName } from '../shared/names.ts'
import { fits } from '../shared/room.ts'
import { leaseOf, type Namespace, ownKeys } from './layout.ts'
import { asOneOf, checkCount, notLeased } from './line.ts'
import { createdAt, page, read, remove, removeAll, txn } from './operations.ts'
import type { KeyRange } from './wire/transport.ts'

/** A claim, and further facts from its key. */
interface Found extends Omit<Standing, 'key'> {
  readonly key: string
  readonly lease: string
  readonly permits: number | undefined
  readonly weight: number
  readonly isPart?: boolean
}

/** The keys per answer. gRPC takes 4 MB at once; if an answer is larger, the next one has half as many keys. */
const pageSize = 500
/** If an id has fewer hexadecimal digits, it may be a name that another program gave to its data. */
const orphanDigitsMin = 12
/** How many leases are read at a time. */
const leasesAtOnce = 100

/** The claims on a name: holders first, then waiters in order. Costs one request for each 500 keys. */
export async function line(at: Namespace, name: string, signal: AbortSignal): Promise<Standing[]> {
  return (await readClaims(at, name, signal)).map(asStanding)
}

/**
 * All names that begin with `prefix` and have claims, sorted. Costs one request for each page of keys, and one for each
 * holder's lease.
 */
export async function survey(at: Namespace, prefix: string, signal: AbortSignal): Promise<NameState[]> {
  const keys = await readAll(at, at.layout.claims(prefix), signal)
  const lines = [...groupByName(at, prefix, keys)].map(([name, kvs]) => ({
    name,
    line: claimsOn(at, name, kvs),
  }))
  // Our clients and Go's wait for every key with a lease that stands where claims stand. So each such key is shown.
  // So is the key of a dead client that lost its lease before: no claim on the name can hold.
  const used = lines.filter(({ line }) => line.some((found) => found.lease !== '0' || isOrphan(found)))
  const claims = used.flatMap(({ line }) => line)
  const leftMs = await timesLeft(at, claims, signal)
  return used
    .map(({ name, line }) => ({
      name,
      permits: line[0]?.permits,
      claims: line.map((found) => withTime(found, leftMs)),
    }))
    .sort(byName)
}

/** The checkpoints of all names that begin with `prefix`. Costs one request for each page of keys. */
export async function checkpoints(
  at: Namespace,
  prefix: string,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const { layout } = at
  const keys = await readAll(at, layout.checkpoints(prefix), signal)
  const all = keys.map(({ key, value }) => [layout.checkpointName(key.toString()), value.toString()] as const)
  return new Map(all.filter(([name]) => name.startsWith(prefix) && isName(name)))
}

/**
 * Deletes the key of the claim that holds with this token, and returns whether there was one. Costs two requests. The
 * key is deleted only if it still has the create revision that was read; a claim that holds does so until its key is
 * deleted.
 */
export async function breakHold(
  at: Namespace,
  name: string,
  token: bigint,
  signal: AbortSignal,
): Promise<boolean> {
  const claims = await readClaims(at, name, signal)
  const holder = claims.find((each) => each.held && each.token === token)
  if (!holder) return false
  const { key, lease, weight } = holder
  if (lease === '0') throw notLeased(key)
  const all = removeAll(ownKeys(key, weight))
  return (await at.transport.txn(txn([createdAt(key, token)], [all]), signal)).succeeded
}

/** Deletes keys of waiting claims if all claims are still as they were listed, the holder too. Returns whether they are. */
export async function overtake(
  at: Namespace,
  name: string,
  { holder, target, waiting }: Overtaking,
  signal: AbortSignal,
): Promise<boolean> {
  const claims = await readClaims(at, name, signal)
  const withToken = (token: bigint): Found | undefined => claims.find((each) => each.token === token)
  const [first, last, ...others] = [holder, target, ...waiting].map(withToken)
  const passed = others.filter((each) => each?.priority !== undefined && !each.held) as Found[]
  if (!first?.held || !last || last.held || passed.length < waiting.length) return false
  // As long as the first key stands, none of the others holds.
  const asRead = [first, last, ...passed].map(({ key, token }) => createdAt(key, token))
  const removed = passed.map(({ key }) => remove(key))
  return (await at.transport.txn(txn(asRead, removed), signal)).succeeded
}

/** Whether a key has the form of our claims or Go's, with an id as etcd chooses it, and its lease is gone. */
function isOrphan({ session, permits, lease }: Found): boolean {
  return permits !== undefined && lease === '0' && session.length >= orphanDigitsMin
}

async function readClaims(at: Namespace, name: string, signal: AbortSignal): Promise<Found[]> {
  const range = at.layout.line(name)
  const kvs = await readAll(at, range, signal, (answer) => checkCount(range, answer))
  return claimsOn(at, name, kvs)
}

/**
 * The claims on one name, in order, without its mark. A key without a lease is data of another program: it blocks the name, but it is no claim.
 */
function claimsOn(at: Namespace, name: string, kvs: readonly IKeyValue[]): Found[] {
  const claims = kvs.flatMap((kv) => {
    const key = kv.key.toString()
    const facts = at.layout.parse(name, key)
    const { lease, create_revision, value } = kv
    return facts ? [{ ...facts, key, lease, value: value.toString(), token: BigInt(create_revision) }] : []
  })
  claims.sort((one, other) => Number(one.token - other.token) || one.key.length - other.key.length)
  const others = claims.filter(({ key }) => key !== at.layout.mark(name))
  const isMarked = others.length < claims.length
  const permits = isMarked ? cohortPermits : (claims[0]?.permits ?? 1)
  let taken = 0
  return whole(others).map((claim) => {
    const mayHold = !isMarked || claim.permits === cohortPermits // behind the mark no other form holds
    const { weight } = asOneOf(permits, claim)
    const held = mayHold && fits({ permits, weight }, taken)
    if (mayHold) taken += weight
    return { ...claim, held }
  })
}

/** Each claim once, with the weight of all its keys. */
function whole<T extends Pick<Found, 'token' | 'weight' | 'isPart'>>(keys: readonly T[]): T[] {
  const claims: T[] = []
  for (const each of keys) {
    const last = claims.at(-1)
    if (each.isPart && last?.token === each.token) {
      claims[claims.length - 1] = { ...last, weight: last.weight + each.weight }
    } else claims.push(each)
  }
  return claims
}

/** All keys of a range as they were at one revision, page by page. */
async function readAll(
  at: Namespace,
  { key, end = '' }: KeyRange,
  signal: AbortSignal,
  check: (answer: IRangeResponse) => void = () => {},
): Promise<IKeyValue[]> {
  const found: IKeyValue[] = []
  let from = Buffer.from(key)
  let revision = '0'
  for (let size = pageSize; ; ) {
    const request = txn([], [page(from, end, size, revision)])
    const answer = await at.transport.txn(request, signal).catch((error) => {
      if (!(error instanceof RefusedError) || size === 1) throw error
    })
    size = answer ? size : Math.ceil(size / 2)
    if (!answer) continue
    const range = read(answer.responses, 0)
    check(range)
    const { kvs, more } = range
    found.push(...kvs)
    if (!more) return found
    if (revision === '0') revision = answer.header.revision
    from = Buffer.concat([(kvs.at(-1) as IKeyValue).key, Buffer.of(0)]) // the smallest possible key after the last one
  }
}

/** The keys of our names, by name. */
function groupByName(at: Namespace, prefix: string, keys: readonly IKeyValue[]): Map<string, IKeyValue[]> {
  const names = new Map<string, IKeyValue[]>()
  for (const kv of keys) {
    const name = at.layout.nameOf(kv.key.toString())
    const ours = name?.startsWith(prefix) && isName(name) && Buffer.from(kv.key.toString()).equals(kv.key)
    if (!ours || name === undefined) continue
    const others = names.get(name)
    if (others) others.push(kv)
    else names.set(name, [kv])
  }
  return names
}

/** How long each holder's lease has left, in ms, if the server says so. */
async function timesLeft(
  at: Namespace,
  claims: readonly Found[],
  signal: AbortSignal,
): Promise<Map<string, number | undefined>> {
  const leases = [...new Set(claims.filter(({ held }) => held).map(({ lease }) => lease))]
  const places = new Semaphore(leasesAtOnce)
  const ask = (lease: string) => places.runExclusive(() => timeLeft(at, lease, signal))
  try {
    const asked = leases.filter((lease) => lease !== '0')
    return new Map(await Promise.all(asked.map(async (lease) => [lease, await ask(lease)] as const)))
  } finally {
    places.cancel() // after a failure the other answers are not needed
  }
}

async function timeLeft(at: Namespace, lease: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const seconds = await at.transport.timeToLive(lease, signal)
    return seconds === undefined ? undefined : seconds * 1_000
  } catch (error) {
    // The lease has ended meanwhile, or this user may not read it. The survey goes on without its time.
    if (error instanceof RefusedError || error instanceof SessionGoneError) return undefined
    throw error
  }
}

function withTime(found: Found, leftMs: ReadonlyMap<string, number | undefined>): Standing {
  return { ...asStanding(found), ttlLeftMs: found.held ? leftMs.get(found.lease) : undefined }
}

function asStanding({ session, held, value, token, weight, permits, priority, lease, key }: Found): Standing {
  // Ours and Go's have their lease in the key, except a claim that is kept after its release.
  const isOwn = permits !== undefined && lease === leaseOf(session)
  const known = isOwn || (permits !== undefined && lease !== '0' && value.includes('"keptUntil"'))
  return {
    session,
    held,
    value,
    token,
    ...(priority !== undefined && { priority }),
    ...(weight > 1 && { weight }),
    ...(known ? {} : { key }),
  }
}

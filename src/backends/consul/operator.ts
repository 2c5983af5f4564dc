// The claims of other clients: the list of those on one name or on many, breaking a hold, and making room in a line. Owns which of a datacenter's keys are claims, since others keep their data there.

import { UnavailableError } from '../../base/errors.ts'
import type { NameState, Overtaking, Standing } from '../../contract.ts'
import { byName, isName } from '../shared/names.ts'
import { without } from './holders.ts'
import { lockFlags, type NameKeys, type Namespace, semaphoreFlags } from './layout.ts'
import {
  isListed,
  parseHolders,
  readContenders,
  readLock,
  readPermits,
  readStandings,
  readTickets,
  type Ticket,
  ticketOf,
  tokenOf,
} from './line.ts'
import type { Operation, StoredKey } from './wire/transport.ts'

const triesMax = 8

/** The claims on a name: holders first, then waiters in order. Costs two requests, at the same time. */
export async function line(at: Namespace, name: string, signal: AbortSignal): Promise<Standing[]> {
  const keys = at.layout.keys(name)
  return readStandings(keys, await readAll(at, keys.folder, signal))
}

/**
 * All keys under a prefix. Consul silently leaves out keys that the token may not read, some or all. So one more request, at
 * the same time, checks that the token may read a key with this prefix.
 */
async function readAll(at: Namespace, prefix: string, signal: AbortSignal): Promise<readonly StoredKey[]> {
  const reads = [{ prefix }, { key: `${prefix}.leasehold` }].map((target) =>
    at.transport.read(target, signal),
  )
  const [all] = await Promise.all(reads)
  return all?.entries ?? []
}

/** All names that begin with `prefix` and have claims, sorted. Costs two requests, at the same time. */
export async function survey(at: Namespace, prefix: string, signal: AbortSignal): Promise<NameState[]> {
  const entries = await readAll(at, at.layout.commonStart(prefix), signal)
  return [...groupByName(at, entries)]
    .filter(([name]) => name.startsWith(prefix) && isName(name))
    .map(([name, its]) => {
      const keys = at.layout.keys(name)
      return { name, permits: readPermits(keys, its), claims: readStandings(keys, its) }
    })
    .filter(({ claims }) => claims.length > 0)
    .sort(byName)
}

/** The checkpoints of all names that begin with `prefix`. Costs two requests, at the same time. */
export async function checkpoints(
  at: Namespace,
  prefix: string,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const entries = await readAll(at, at.layout.commonStart(prefix), signal)
  const all = entries.flatMap(({ key, value = '' }) => {
    const name = at.layout.nameOf(key)
    return name !== undefined && key === at.layout.keys(name).checkpoint ? [[name, value] as const] : []
  })
  return new Map(all.filter(([name]) => name.startsWith(prefix) && isName(name)))
}

/**
 * Removes the claim that holds with this token, and returns whether there was one. One transaction deletes the keys by
 * which it holds, if they are as they were read. If not, it reads again, at most eight times, and then throws
 * UnavailableError. Costs two requests.
 */
export async function breakHold(
  at: Namespace,
  name: string,
  token: bigint,
  signal: AbortSignal,
  tries: number = triesMax,
): Promise<boolean> {
  const keys = at.layout.keys(name)
  const { entries } = await at.transport.read({ prefix: keys.folder }, signal)
  const operations = ofMutex(keys, entries, token) ?? ofSemaphore(keys, entries, token)
  if (!operations) return false
  if ((await at.transport.txn(operations, signal, 'gives back')).applied) return true
  if (tries === 1) throw new UnavailableError('the lock changed too fast to break it; ask again')
  return breakHold(at, name, token, signal, tries - 1)
}

/** Deletes the tickets of waiting claims if they and the lock are as they were told, and returns whether they are. */
export async function overtake(
  at: Namespace,
  name: string,
  { holder, target, waiting }: Overtaking,
  signal: AbortSignal,
): Promise<boolean> {
  const keys = at.layout.keys(name)
  const { entries } = await at.transport.read({ prefix: `${keys.folder}.l` }, signal)
  const lock = readLock(keys, entries)
  const tickets = readTickets(keys, entries).filter(({ session }) => session !== lock?.session)
  const withToken = (token: bigint): Ticket | undefined =>
    tickets.find((each) => BigInt(each.created) === token)
  const [last, ...others] = [target, ...waiting].map(withToken)
  const passed = others.filter((each) => each?.priority !== undefined) as Ticket[]
  if (!lock?.session || tokenOf(lock) !== holder || !last || passed.length < waiting.length) return false
  const asRead = [lock, last]
    .map(indexOf)
    .map(({ key, index }): Operation => ({ verb: 'check-index', key, index }))
  const removed = passed.map(indexOf).map(({ key, index }): Operation => ({ verb: 'delete-cas', key, index }))
  return (await at.transport.txn([...asRead, ...removed], signal, 'gives back')).applied
}

/** A key and the index at which it was written last. */
function indexOf(written: StoredKey | Ticket): { readonly key: string; readonly index: number } {
  return { key: written.key, index: 'modified' in written ? written.modified : written.modifyIndex }
}

/** The keys of claims, by name. */
function groupByName(at: Namespace, entries: readonly StoredKey[]): Map<string, StoredKey[]> {
  const names = new Map<string, StoredKey[]>()
  for (const entry of entries) {
    const name = at.layout.nameOf(entry.key)
    if (name === undefined || !isOfClaim(at.layout.keys(name), entry)) continue
    const others = names.get(name)
    if (others) others.push(entry)
    else names.set(name, [entry])
  }
  return names
}

/** Whether a key shows a claim: of Leasehold, of `consul lock` or of Go. */
function isOfClaim(keys: NameKeys, entry: StoredKey): boolean {
  const { key, flags, session } = entry
  if (key === keys.lock) return flags === lockFlags || isListed(flags)
  if (ticketOf(keys, entry)) return true
  return flags === semaphoreFlags && session !== undefined && key === `${keys.folder}${session}`
}

/**
 * The operations that remove a mutex: its key, and the place in line that its holder keeps, which wakes the next
 * claim.
 */
function ofMutex(keys: NameKeys, entries: readonly StoredKey[], token: bigint): Operation[] | undefined {
  const lock = readLock(keys, entries)
  if (lock?.flags !== lockFlags || !lock.session || tokenOf(lock) !== token) return undefined
  const own = readTickets(keys, entries).filter(
    ({ session, created }) => session === lock.session && created < lock.createIndex,
  )
  return [
    { verb: 'check-index', key: lock.key, index: lock.modifyIndex },
    ...[lock, ...own].map(({ key }): Operation => ({ verb: 'delete', key })),
  ]
}

/** The operations that remove a permit: its holder leaves the list, and its own key is deleted. */
function ofSemaphore(keys: NameKeys, entries: readonly StoredKey[], token: bigint): Operation[] | undefined {
  const lock = readLock(keys, entries)
  const list = lock && isListed(lock.flags) ? parseHolders(lock) : undefined
  const own = readContenders(keys, entries).find((entry) => tokenOf(entry) === token)
  if (!lock || !own?.session || !list?.holders.some(({ session }) => session === own.session))
    return undefined
  return [
    { verb: 'check-index', key: own.key, index: own.modifyIndex },
    { verb: 'check-index', key: lock.key, index: lock.modifyIndex },
    without(lock.key, { ...list, index: lock.modifyIndex }, own.session),
    { verb: 'delete', key: own.key },
  ]
}

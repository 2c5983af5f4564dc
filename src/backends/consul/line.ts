// Reads the state of a name from one answer of Consul: its line, its holders, and its kind of lock. Pure; mutex.ts and
// semaphore.ts act on it.

import { isUndivided } from '../../base/shapes.ts'
import type { Claim, Standing } from '../../contract.ts'
import { inUse } from '../shared/conflict.ts'
import {
  callableFlags,
  lockFlags,
  type NameKeys,
  parseTicket,
  semaphoreFlags,
  shapeFlags,
  type TicketFacts,
} from './layout.ts'
import type { StoredKey } from './wire/transport.ts'

/** The ticket of a claim of Leasehold that waits, or of a mutex's holder that had to wait before it held. */
export interface Ticket {
  readonly key: string
  readonly session: string
  readonly permits: number
  readonly weight: number
  readonly priority?: number | undefined
  readonly created: number
  readonly modified: number
  readonly value: string
  /** Whether its session is to have the permit, too, so that any client may put it on the list. */
  readonly isCallable: boolean
}

/** A holder on the list, and how many permits it has. */
export interface ListedHolder {
  readonly session: string
  readonly weight: number
}

/** The list of holders that Go's api.Semaphore keeps. */
export interface Holders {
  readonly permits: number
  readonly holders: readonly ListedHolder[]
}

/** The list of holders, and the modify index of its key; 0 if there is no key. */
export interface StoredHolders extends Holders {
  readonly index: number
}

/**
 * The tickets of a line, in order. A ticket is held by the session that it names, and is deleted with it. A key that
 * only looks like a ticket (an operator wrote it, or imported it with `consul kv import`) is no claim: it would never
 * go away.
 */
export function readTickets(keys: NameKeys, entries: readonly StoredKey[]): Ticket[] {
  return entries
    .flatMap((entry) => {
      const facts = ticketOf(keys, entry)
      const { key, createIndex: created, modifyIndex: modified, value } = entry
      const isCallable = entry.flags === callableFlags
      return facts ? [{ ...facts, key, created, modified, value, isCallable }] : []
    })
    .sort((one, other) => one.created - other.created)
}

/** The facts in the name of a ticket's key; undefined if the key is no ticket, or if another session holds it. */
export function ticketOf(keys: NameKeys, { key, session }: StoredKey): TicketFacts | undefined {
  const facts = parseTicket(keys, key)
  return facts?.session === session ? facts : undefined
}

/** The keys that say that the turn of a ticket came. Each is held by the session of its ticket, and is deleted with it. */
export function readPassed(keys: NameKeys, entries: readonly StoredKey[]): string[] {
  const { line, passed } = keys
  const isOne = ({ key, session }: StoredKey): boolean =>
    key.startsWith(passed) && parseTicket(keys, `${line}/${key.slice(passed.length)}`)?.session === session
  return entries.filter(isOne).map(({ key }) => key)
}

/** The key `.lock`, if it exists: it decides which claims hold. */
export function readLock(keys: NameKeys, entries: readonly StoredKey[]): StoredKey | undefined {
  return entries.findLast(({ key }) => key === keys.lock)
}

/** The contenders of a semaphore, ours and Go's, in order: keys named after the session that holds them. */
export function readContenders({ folder }: NameKeys, entries: readonly StoredKey[]): StoredKey[] {
  return entries
    .filter(({ key, session }) => session !== undefined && key === `${folder}${session}`)
    .sort((one, other) => one.createIndex - other.createIndex)
}

/** Reads the list of holders; undefined if the value is not such a list. */
export function parseHolders({ value }: StoredKey): Holders | undefined {
  try {
    const { Limit: permits, Holders: plain, Weights: weights } = JSON.parse(value)
    const ones = Object.keys(plain ?? {}).map((session) => [session, 1] as const)
    const listed = weights ? Object.entries<number>(weights) : ones
    const holders = listed.map(([session, weight]) => ({ session, weight }))
    const isList = [permits, ...holders.map(({ weight }) => weight)].every(
      (each) => Number.isInteger(each) && each > 0,
    )
    return isList ? { permits, holders } : undefined
  } catch {
    return undefined
  }
}

/** Whether Go's client can have this list: it is that of a semaphore, and each holder has one permit. */
function isPlain({ permits, holders }: Holders): boolean {
  return !isUndivided(permits) && holders.every(({ weight }) => weight === 1)
}

/**
 * The list of holders as Go writes it. `Holders` is always there: Go's client panics without it. A list that Go does not know
 * has other flags and `Weights`: a client that does not know it, either, finds no holder there, and writes none.
 */
export function formatHolders(list: Holders): { readonly value: string; readonly flags: bigint } {
  const { permits, holders } = list
  const weights = Object.fromEntries(holders.map(({ session, weight }) => [session, weight]))
  if (!isPlain(list))
    return { value: JSON.stringify({ Limit: permits, Weights: weights }), flags: shapeFlags }
  const plain = Object.fromEntries(holders.map(({ session }) => [session, true]))
  return { value: JSON.stringify({ Limit: permits, Holders: plain }), flags: semaphoreFlags }
}

/** Whether these are the flags of a list of holders. */
export function isListed(flags: bigint | undefined): boolean {
  return flags === semaphoreFlags || flags === shapeFlags
}

/**
 * Throws ConflictError if the name is in use for something else. A key `.lock` with other flags counts whether or not a
 * session holds it: only its owner knows what it is for.
 */
export function checkKind(lock: StoredKey | undefined, ahead: readonly Ticket[], claim: Claim): void {
  const { permits } = claim
  const isKind = permits === 1 ? lock?.flags === lockFlags : isListed(lock?.flags)
  if (lock && !isKind) {
    throw inUse(claim, { permits: permitsOf(lock), key: lock.key, leftOver: !lock.session })
  }
  const [oldest] = ahead
  if (oldest && oldest.permits !== permits) throw inUse(claim, oldest)
}

/** The permits of this key; undefined if it is no lock that we know. */
function permitsOf(lock: StoredKey): number | undefined {
  if (lock.flags === lockFlags) return 1
  return isListed(lock.flags) ? parseHolders(lock)?.permits : undefined
}

/** The claims on a name, holders first, then waiters in order. */
export function readStandings(keys: NameKeys, entries: readonly StoredKey[]): Standing[] {
  const lock = readLock(keys, entries)
  const slots = lock && isListed(lock.flags) ? parseHolders(lock) : undefined
  const contenders = readContenders(keys, entries)
  const tickets = readTickets(keys, entries)
  const weightOf = ({ session }: StoredKey): number | undefined =>
    slots?.holders.find((holder) => holder.session === session)?.weight
  const isHolder = (entry: StoredKey): boolean => weightOf(entry) !== undefined
  const holders = slots ? contenders.filter(isHolder) : lock?.session ? [lock] : []
  // The holder of a mutex keeps its ticket, so that the next claim in line has to watch only that ticket.
  const waiting = tickets.filter(({ session }) => slots || session !== lock?.session)
  const others = contenders.filter((entry) => !isHolder(entry)).map(asWaiter)
  const inOrder = [...waiting, ...others].sort((one, other) => one.created - other.created)
  const standing =
    (held: boolean) =>
    ({ session, value, created, priority, weight = 1 }: Shown) => ({
      ...{ session, value, held, token: BigInt(created) },
      ...(priority !== undefined && { priority }),
      ...(weight > 1 && { weight }),
    })
  const held = holders.map((entry) => ({ ...asHolder(entry), weight: weightOf(entry) }))
  return [...held.map(standing(true)), ...inOrder.map(standing(false))]
}

/** The permits of the name; undefined if its keys do not show them. */
export function readPermits(keys: NameKeys, entries: readonly StoredKey[]): number | undefined {
  const lock = readLock(keys, entries)
  if (lock && isListed(lock.flags)) return parseHolders(lock)?.permits
  return lock?.session ? 1 : readTickets(keys, entries)[0]?.permits
}

/**
 * The token of the holder of this key, as every client can see it. Leasehold makes the key anew with each hold. Go's
 * clients may take an existing key: then the index of the last write is used.
 */
export function tokenOf({ lockIndex, createIndex, modifyIndex }: StoredKey): bigint {
  return BigInt(lockIndex > 1 ? modifyIndex : createIndex)
}

/** A claim to show. Its token is the index at which it began to hold or to wait. */
interface Shown {
  readonly session: string
  readonly value: string
  readonly created: number
  readonly priority?: number | undefined
  readonly weight?: number | undefined
}

function asWaiter({ session = '', value, createIndex: created }: StoredKey): Shown {
  return { session, value, created }
}

function asHolder(key: StoredKey): Shown {
  return { ...asWaiter(key), created: Number(tokenOf(key)) }
}

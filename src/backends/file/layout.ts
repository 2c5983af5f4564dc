// The valid names and values of a store. Everything read from the database or the folder passes here before it is used
// as a path, a number or a text, since other users may have written it.
import { cohortPermits, sharedPermits } from '../../base/shapes.ts'
import type { Claim } from '../../contract.ts'
import type { Sized } from '../shared/room.ts'
import type { Row } from './driver.ts'

/**
 * The error for content of the database that Leasehold never writes. failure.ts turns it into a ConflictError that
 * names the file.
 */
export class ForeignContent extends Error {}

const sessionId = /^[0-9a-f]{16}$/
const ownFile = /^[0-9a-f]{16}\.(db|wake)$/
const mostTtlMs = 86_400_000n
const highest = 2n ** 63n - 1n

/** Whether a text can be the id of a session, and so a part of a path. */
export function isSessionId(text: unknown): text is string {
  return typeof text === 'string' && sessionId.test(text)
}

/** Whether a file of this name in the folder of the sessions can be ours. */
export function isOwnFile(name: string): boolean {
  return ownFile.test(name)
}

/**
 * The id of a session that no process has, and that keeps a claim until a time by the wall clock of the machine. Ids of other
 * sessions begin with a digit below 8, since they are numbers of 63 bits.
 */
export function keptId(untilMs: number, random: bigint): string {
  const until = Math.ceil(untilMs).toString(16).padStart(11, '0')
  return `f${until}${(random & 0xffffn).toString(16).padStart(4, '0')}`
}

/** The time in the id of such a session; undefined for every other one. */
export function keptUntilMs(id: string): number | undefined {
  return id.startsWith('f') ? Number.parseInt(id.slice(1, 12), 16) : undefined
}

/** A session's id. Throws ForeignContent for any other value. */
export function idOf({ id }: Row): string {
  return isSessionId(id) ? id : fails('an id of a session')
}

/** The session of a claim. Throws ForeignContent for any other value. */
export function sessionOf({ session }: Row): string {
  return isSessionId(session) ? session : fails('the session of a claim')
}

/** A time to live in ms. Throws ForeignContent for any other value. */
export function ttlOf({ ttl }: Row): number {
  return Number(whole(ttl, 1n, mostTtlMs, 'the time to live of a session'))
}

/** How often a session was renewed. Throws ForeignContent for any other value. */
export function renewalsOf({ renewals }: Row): bigint {
  return whole(renewals, 0n, highest, 'the renewals of a session')
}

/** A ticket. Throws ForeignContent for any other value. */
export function ticketOf({ ticket }: Row): bigint {
  return whole(ticket, 1n, highest, 'the ticket of a claim')
}

/** The first bit of the column `permits` that belongs to the weight. */
const weightBit = 21
const lightest = 1n << BigInt(weightBit)

/**
 * The column `permits`: the permits of the name, and above them the weight of the claim less 1. So a claim of weight 1 has the
 * permits alone, and a version of Leasehold that knows no weights takes any other one for a claim with other permits.
 */
export function sizeOf({ permits, weight }: Sized): bigint {
  return BigInt(permits) + BigInt(weight - 1) * lightest
}

/** The column `permits` of the row that marks a name of this form: a weight of 0, so it is negative and no claim. */
export const markSize: bigint = sizeOf({ permits: cohortPermits, weight: 0 })

/** The permits in SQL. */
export const permitsIn = (column: string): string => `(${column} & ${lightest - 1n})`
/** The weight in SQL. */
export const weightIn = (column: string): string => `((${column} >> ${weightBit}) + 1)`

/** The permits of a claim. Throws ForeignContent for any other value. */
export function permitsOf(row: Row): number {
  return Number(sized(row) % lightest)
}

/** The weight of a claim. Throws ForeignContent for any other value. */
export function weightOf(row: Row): number {
  return Number(sized(row) / lightest) + 1
}

function sized({ permits }: Row): bigint {
  const size = whole(permits, 1n, BigInt(sharedPermits) * lightest, 'the permits of a claim')
  return size % lightest > 0n ? size : fails('the permits of a claim')
}

/** The value of a claim. Throws ForeignContent for any other value. */
export function textOf({ value }: Row): string {
  return typeof value === 'string' ? Buffer.from(value, 'hex').toString() : fails('the value of a claim')
}

/** How the database calls a claim among those of its session: its id, and its priority where it has one. */
export function calledIn({ id, priority }: Pick<Claim, 'id' | 'priority'>): string {
  return priority === undefined ? id : `${id}.p${priority}`
}

/** The priority that `calledIn` wrote; undefined where there is none. */
export function priorityOf({ id }: Row): number | undefined {
  const [, priority] = /\.p(\d+)$/.exec(String(id)) ?? []
  return priority === undefined ? undefined : Number(priority)
}

/** A number of the counter or of the bound. Throws ForeignContent if its row is missing or has another value. */
export function countOf(row: Row | undefined, column: string): bigint {
  return whole(row?.[column], 0n, highest, 'the counter of the tokens')
}

function whole(value: unknown, least: bigint, most: bigint, what: string): bigint {
  return typeof value === 'bigint' && value >= least && value <= most ? value : fails(what)
}

/** The message does not show the value itself, which may be any text. */
function fails(what: string): never {
  throw new ForeignContent(`${what} is missing, or none that Leasehold makes`)
}

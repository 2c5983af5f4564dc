// Describes holders for people: the host and process in a claim's value. No decision depends on it. Claims of other
// clients (etcdctl, Go) have no such value.
import { hostname } from 'node:os'
import type { Holder } from '../api/hold.ts'
import { type Clock, isoTimes } from '../base/clock.ts'
import { WaitTimeoutError } from '../base/errors.ts'
import { printable, quoted } from '../base/printable.ts'
import type { Facts, Standing } from '../contract.ts'

/** This process, as its claims name it. */
function thisProcess(): Pick<Holder, 'host' | 'pid'> {
  return { host: hostname(), pid: process.pid }
}

/** The value of each claim of a client, for others to read: its host and process, and the time in ms. Costs less than 1 µs. */
export function ownValue(clock: Pick<Clock, 'wallMs'>, more: object = {}): () => string {
  const field = '"since":"'
  const text = JSON.stringify({ ...thisProcess(), since: '', ...more })
  const place = text.lastIndexOf(`${field}"`) + field.length
  const [before, after] = [text.slice(0, place), text.slice(place)]
  const time = isoTimes()
  return () => `${before}${time(clock.wallMs())}${after}`
}

/** The same value, which also says the token of its hold. A value that names no process stays as it is. */
export function valueWithToken(value: string, token: bigint): string {
  const holder = parseHolder(value)
  return holder ? JSON.stringify({ ...holder, token: String(token) }) : value
}

/** The same value, which also says until when the name stays taken after the release of its hold. */
export function keptValue(value: string, keptUntil: string): string {
  const holder = parseHolder(value)
  return holder ? JSON.stringify({ ...holder, keptUntil }) : value
}

/** The token of a claim's hold: the one that its holder has written into the value, otherwise the one in the store. */
export function tokenOf({ value, held, token }: Pick<Standing, 'value' | 'held' | 'token'>): bigint {
  const { token: written } = (held && parseHolder(value)) || {}
  return written === undefined ? token : BigInt(written)
}

/** How many holders of a semaphore a sentence names. */
const namedMost = 3

/**
 * The owner of a claim as printable text: its host and process if its value says so, else its value, else its session.
 * At most 60 characters, or 200 for the key of an unknown program.
 */
export function who({ value, session, key }: Pick<Standing, 'value' | 'session' | 'key'>): string {
  if (key !== undefined) return `the key ${quoted(key)}`
  const holder = parseHolder(value)
  return printable(holder ? nameOf(holder) : value.trim() || `session ${session}`, 60)
}

/** The holders among these claims, as a part of a sentence. Empty if no claim holds. */
export function describeHolders(
  line: readonly Standing[],
  describe: (holder: Standing) => string = who,
): string {
  const holders = line.filter(({ held }) => held)
  const more = holders.length - namedMost
  const named = holders.slice(0, namedMost).map((holder) => describe(holder))
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** A process in a few printable words. */
export function nameOf({ host, pid }: Pick<Holder, 'host' | 'pid'>): string {
  return `${printable(host, 80)} (pid ${pid})`
}

/** The longest name of a host in DNS. */
const hostMost = 253
/** More than the length of a time in ISO 8601. */
const sinceMost = 64

/** The holder that a value names, or undefined if another kind of client wrote the value. */
export function parseHolder(value: string): Holder | undefined {
  try {
    const { host, pid, since, candidate, token, keptUntil } = JSON.parse(value)
    if (typeof host !== 'string' || typeof pid !== 'number' || host.length > hostMost) return undefined
    return {
      host,
      pid,
      ...(typeof since === 'string' && since.length <= sinceMost && { since }),
      ...(candidate === true && { candidate }),
      ...(typeof keptUntil === 'string' && keptUntil.length <= sinceMost && { keptUntil }),
      ...(typeof token === 'string' && /^[1-9]\d{0,18}$/.test(token) && { token }),
    }
  } catch {
    return undefined
  }
}

/** A wish that was not granted. */
export interface NotFree {
  readonly name: string
  readonly waitMs?: number | undefined
  /** Whether the store said that only a lock-delay is in the way. */
  readonly delayed: boolean
  /** Whether only other calls of the same client were in the way. */
  readonly isOwn: boolean
  /** The session of the client that asks. That client may hold the name itself. */
  readonly session: string | undefined
}

/** The error for a name that was not free in time. `line` has its claims, as far as the store has answered. */
export function notFree(
  { name, waitMs = 0, delayed, isOwn, session }: NotFree,
  line: readonly Standing[],
  facts: Facts,
): WaitTimeoutError {
  const when = waitMs > 0 ? `was not free within ${waitMs} ms` : 'is not free'
  const held = line.some((claim) => claim.held)
  const why = delayed && !held ? describeDelay(facts) : describeLine(line, session)
  const own = isOwn
    ? '; another call of this client has it or waits for it, and this call waited behind it'
    : ''
  return new WaitTimeoutError(`${quoted(name)} ${when}${why}${own}`)
}

/** Why a name is not free, as the end of a sentence. */
function describeLine(line: readonly Standing[], session: string | undefined): string {
  const holders = describeHolders(line, (one) =>
    one.session === session ? 'this very client' : whoStill(one),
  )
  const waiting = line.filter(({ held }) => !held).length
  if (holders) return `: held by ${holders}${waiting > 0 ? `, with ${waiting} waiting` : ''}`
  return waiting > 0 ? `: nobody holds it at this moment, with ${waiting} waiting` : ''
}

/** A holder, or the process that has released the name and lets it stay taken. */
function whoStill(holder: Standing): string {
  const until = parseHolder(holder.value)?.keptUntil
  return until === undefined
    ? who(holder)
    : `${who(holder)}, which lets it stay taken until ${printable(until, 40)}`
}

/** Says that a lock-delay may keep a free name from every client, as the end of a sentence. */
function describeDelay({ scheme, lockDelayMs }: Facts): string {
  return (
    `: nobody holds it now. If its last holder ended without a release, ${scheme} lets nobody hold during the ` +
    `lock-delay, which is ${lockDelayMs / 1_000} s with the settings of this client`
  )
}

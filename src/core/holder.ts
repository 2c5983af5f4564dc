// Who stands behind a claim, for people to read: written into the claim's value, which no decision rests on. Claims of
// other clients (etcdctl, Go) carry none.
import { hostname } from 'node:os'
import type { Holder } from '../api/hold.ts'
import { WaitTimeoutError } from '../base/errors.ts'
import type { Scope } from '../base/scope.ts'
import type { Backend, Facts, Standing } from '../contract.ts'

/** This process, as the value of a claim that it makes now. */
export function holderValue(since: string, candidate?: true): string {
  const holder: Holder = { host: hostname(), pid: process.pid, since, candidate }
  return JSON.stringify(holder)
}

/** A claim's holder in a few words: its host and process where it says so, its session otherwise. */
function describeHolder({ value, session }: Standing): string {
  const holder = parseHolder(value)
  return holder ? nameOf(holder) : `session ${session}`
}

/** A process in a few words. */
export function nameOf({ host, pid }: Pick<Holder, 'host' | 'pid'>): string {
  return `${host} (pid ${pid})`
}

/** The holder that a value names, or undefined where somebody else's client wrote it. */
export function parseHolder(value: string): Holder | undefined {
  try {
    const { host, pid, since, candidate } = JSON.parse(value)
    if (typeof host !== 'string' || typeof pid !== 'number') return undefined
    return {
      host,
      pid,
      ...(typeof since === 'string' && { since }),
      ...(candidate === true && { candidate }),
    }
  } catch {
    return undefined
  }
}

/** The error for a name that was not free in time. It says who holds, if the store answers before the scope ends. */
export async function notFree(
  backend: Backend,
  scope: Scope,
  { name, waitMs = 0, isOwn }: Refusal,
): Promise<WaitTimeoutError> {
  // Not as a request that went unanswered: that would cost everybody else the connection.
  const line = await backend.line(name, scope.signal).catch(() => [])
  scope.lift()
  const when = waitMs > 0 ? `was not free within ${waitMs} ms` : 'is not free'
  const own = isOwn
    ? '; another call of this client has it or waits for it, and this one waited for that'
    : ''
  return new WaitTimeoutError(`${JSON.stringify(name)} ${when}${describeLine(line, backend.facts)}${own}`)
}

/** What was not to be had. */
interface Refusal {
  readonly name: string
  readonly waitMs?: number | undefined
  /** Whether only calls of the same client were in the way. */
  readonly isOwn: boolean
}

/** Why a name is not free, to be put behind a sentence that says so. */
function describeLine(line: readonly Standing[], facts: Facts): string {
  const holders = line.filter(({ held }) => held).map(describeHolder)
  const waiting = line.length - holders.length
  if (holders.length === 0) return describeDelay(facts)
  return `: held by ${holders.join(', ')}${waiting > 0 ? `, with ${waiting} waiting` : ''}`
}

/** What is in the way where nobody holds. */
function describeDelay({ scheme, lockDelayMs }: Facts): string {
  if (lockDelayMs === 0) return ''
  return (
    `: nobody holds it, but after a holder that ended without a release ${scheme} keeps it from everyone for a ` +
    `lock-delay, which is ${lockDelayMs / 1_000} s for holders with the settings of this client`
  )
}

// Describes holders for people: the host and process in a claim's value. No decision depends on it. Claims of other
// clients (etcdctl, Go) have no such value.
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

/** A claim's holder in a few words: its host and process if its value names them, otherwise its session. */
function describeHolder({ value, session }: Standing): string {
  const holder = parseHolder(value)
  return holder ? nameOf(holder) : `session ${session}`
}

/** A process in a few words. */
export function nameOf({ host, pid }: Pick<Holder, 'host' | 'pid'>): string {
  return `${host} (pid ${pid})`
}

/** The holder that a value names, or undefined if another kind of client wrote the value. */
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

/**
 * The error for a name that was not free in time. It names the holder if the store answers before the scope ends. `session`
 * is the session of the client that asks, which may hold the name itself.
 */
export async function notFree(
  backend: Backend,
  scope: Scope,
  { name, waitMs = 0 }: { readonly name: string; readonly waitMs?: number | undefined },
  session: string | undefined,
): Promise<WaitTimeoutError> {
  // Sent without `once`: a request that it counts as unanswered would cost the other callers their connection.
  const line = await backend.line(name, scope.signal).catch(() => [])
  scope.lift()
  const when = waitMs > 0 ? `was not free within ${waitMs} ms` : 'is not free'
  return new WaitTimeoutError(`${JSON.stringify(name)} ${when}${describeLine(line, backend.facts, session)}`)
}

/** Why a name is not free, as the end of a sentence. */
function describeLine(line: readonly Standing[], facts: Facts, session: string | undefined): string {
  const holders = line
    .filter(({ held }) => held)
    .map((one) => (one.session === session ? 'this very client' : describeHolder(one)))
  const waiting = line.length - holders.length
  if (holders.length === 0) return describeDelay(facts)
  return `: held by ${holders.join(', ')}${waiting > 0 ? `, with ${waiting} waiting` : ''}`
}

/** The reason why nobody can hold although nobody does. */
function describeDelay({ scheme, lockDelayMs }: Facts): string {
  if (lockDelayMs === 0) return ''
  return (
    `: nobody holds it, but after a holder that ended without a release ${scheme} keeps it from everyone for a ` +
    `lock-delay, which is ${lockDelayMs / 1_000} s for holders with the settings of this client`
  )
}

// Refuses a nested leasehold that would wait for a lock of its own ancestor, and so for ever. Owns how this is detected
// before the wait.

import { hostname } from 'node:os'
import type { Leasehold } from '../../api/leasehold.ts'
import { ConflictError } from '../../base/errors.ts'
import { quoted } from '../../base/printable.ts'
import { permitsMax } from '../../base/shapes.ts'
import type { Standing } from '../../contract.ts'
import { parseHolder } from '../../core/holder.ts'
import { type OuterHold, outerHolds } from './environment.ts'

/**
 * Rejects with ConflictError when the holds above this process leave too few permits of the name. The environment names
 * these holds, and the store says whether they still stand: a process may outlive the hold under which it was started.
 * Costs one request if the environment names such a hold, otherwise none.
 */
export async function refuseNested(
  client: Leasehold,
  {
    name,
    permits,
    weight = 1,
  }: { readonly name: string; readonly permits: number; readonly weight?: number },
): Promise<void> {
  const outer = outerHolds().filter((hold) => hold.name === name && hold.url === client.url)
  if (outer.length === 0) return
  const line = await client.line(name)
  const holders = line.filter(({ held }) => held)
  const above = holders.filter((holder) => outer.some((hold) => isSame(holder, hold)))
  const taken = above.reduce((sum, holder) => sum + (holder.weight ?? 1), 0)
  const standing = outer.filter((hold) => above.some((holder) => isSame(holder, hold)))
  if (standing.length > 0 && taken + weight > permits) throw nested(name, permits, standing)
}

/**
 * Compares by token or by process: on etcd the token of a mutex is not in the store, and a candidate may have a value
 * of its own.
 */
function isSame({ token, value }: Standing, hold: OuterHold): boolean {
  const holder = parseHolder(value)
  return String(token) === hold.token || (holder?.pid === hold.pid && holder.host === hold.host)
}

function nested(name: string, permits: number, standing: readonly OuterHold[]): ConflictError {
  const [{ host, pid } = { host: hostname(), pid: process.ppid }] = standing
  const isSemaphore = permits > 1 && permits <= permitsMax
  const what = isSemaphore ? `all ${permits} permits of ${quoted(name)}` : quoted(name)
  return new ConflictError(
    `this command runs under ${what} already, held by ${host} (pid ${pid}), and would wait for itself: ` +
      'run it without leasehold, or under another name',
  )
}

// Reads the holder of a name in Consul: the session on NAME/.lock. Owns how an observer waits for the next holder. See
// https://developer.hashicorp.com/consul/docs/automate/application-leader-election
import type { Leader, Observation } from '../../contract.ts'
import type { Namespace } from './layout.ts'
import { tokenOf } from './line.ts'
import type { Waits } from './waits.ts'
import type { Snapshot, StoredKey } from './wire/transport.ts'

/** An observation, and the index at which it was read. */
export interface Seen extends Observation {
  readonly index: number
}

/** The context of an observer of a name. */
export interface Observed extends Namespace {
  readonly waits: Waits
}

/** The present holder of the name, by a consistent read. */
export async function observe(at: Observed, name: string, signal: AbortSignal): Promise<Seen> {
  const { index, entries } = await at.transport.read({ key: at.layout.keys(name).lock }, signal)
  return { leader: leaderOf(entries[0]), index }
}

/** Resolves when the leader may differ from the one that was seen; `observe` reads the new one. */
export async function leaderChanged(
  at: Observed,
  name: string,
  seen: Seen,
  signal: AbortSignal,
): Promise<undefined> {
  const differs = ({ entries }: Snapshot): boolean => !isSame(seen.leader, leaderOf(entries[0]))
  await at.waits.until({ key: at.layout.keys(name).lock }, seen.index, differs, signal)
}

/** The holder of the key. Undefined if nobody holds it. */
export function leaderOf(lock: StoredKey | undefined): Leader | undefined {
  if (!lock?.session) return undefined
  const { value, session } = lock
  return { value, session, token: tokenOf(lock) }
}

function isSame(before: Leader | undefined, now: Leader | undefined): boolean {
  return before?.token === now?.token && before?.value === now?.value && before?.session === now?.session
}

// Who holds a name in Consul, as anybody can see it: the session on NAME/.lock. Owns how an observer waits for the next.
// See https://developer.hashicorp.com/consul/docs/automate/application-leader-election
import type { Leader, Observation } from '../../contract.ts'
import type { Namespace } from './layout.ts'
import { tokenOf } from './line.ts'
import type { Waits } from './waits.ts'
import type { Entry, Snapshot } from './wire/transport.ts'

/** What an observer of a name needs. */
export interface Observed extends Namespace {
  readonly waits: Waits
}

/** Who holds the name now, by a consistent read. */
export async function observe(at: Observed, name: string, signal: AbortSignal): Promise<Observation> {
  const target = { key: at.layout.keys(name).lock }
  const {
    index,
    entries: [lock],
  } = await at.transport.read(target, signal)
  const changed = async (until: AbortSignal): Promise<undefined> => {
    const differs = ({ entries: [now] }: Snapshot): boolean => !isSame(lock, now)
    await at.waits.until(target, index, differs, until)
  }
  return { leader: leaderOf(lock), changed }
}

/** Who holds the key; undefined where nobody does. */
export function leaderOf(lock: Entry | undefined): Leader | undefined {
  if (!lock?.session) return undefined
  const { value, session } = lock
  return { value, session, token: tokenOf(lock) }
}

function isSame(one: Entry | undefined, other: Entry | undefined): boolean {
  const [before, now] = [leaderOf(one), leaderOf(other)]
  return before?.token === now?.token && before?.value === now?.value && before?.session === now?.session
}

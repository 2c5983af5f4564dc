// Who holds a name in Consul, as anybody can see it: the session on NAME/.lock. Owns how an observer waits for the next.
// See https://developer.hashicorp.com/consul/docs/automate/application-leader-election
import type { Leader, Observation } from '../../contract.ts'
import type { Layout } from './layout.ts'
import { tokenOf } from './line.ts'
import type { Waits } from './waits.ts'
import type { Snapshot, StoredKey, Transport } from './wire/transport.ts'

/** An observation with what it rests on: the index that was read. */
export interface Seen extends Observation {
  readonly index: number
}

/** The names of one datacenter, as their observer sees them. */
export class Observer {
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #waits: Waits

  constructor(transport: Transport, layout: Layout, waits: Waits) {
    this.#transport = transport
    this.#layout = layout
    this.#waits = waits
  }

  /** Reads what no stale server can answer. */
  async observe(name: string, signal: AbortSignal): Promise<Seen> {
    const { index, entries } = await this.#transport.read({ key: this.#layout.keys(name).lock }, signal)
    return { leader: leaderOf(entries[0]), index }
  }

  async changed(name: string, seen: Seen, signal: AbortSignal): Promise<undefined> {
    const differs = ({ entries }: Snapshot): boolean => !isSame(seen.leader, leaderOf(entries[0]))
    await this.#waits.until({ key: this.#layout.keys(name).lock }, seen.index, differs, signal)
  }
}

/** Who holds the key; undefined where nobody does. */
export function leaderOf(lock: StoredKey | undefined): Leader | undefined {
  if (!lock?.session) return undefined
  const { value, session } = lock
  return { value, session, token: tokenOf(lock) }
}

function isSame(before: Leader | undefined, now: Leader | undefined): boolean {
  return before?.token === now?.token && before?.value === now?.value && before?.session === now?.session
}

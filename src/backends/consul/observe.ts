// Who holds a name in Consul, as anybody can see it: the session on NAME/.lock. Owns how an observer waits for the next.
// See https://developer.hashicorp.com/consul/docs/automate/application-leader-election
import type { Leader, Observation } from '../../contract.ts'
import type { Layout } from './layout.ts'
import { tokenOf } from './line.ts'
import type { Waits } from './waits.ts'
import type { Entry, Snapshot, Transport } from './wire/transport.ts'

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
  async observe(name: string, signal: AbortSignal): Promise<Observation> {
    const target = { key: this.#layout.keys(name).lock }
    const {
      index,
      entries: [lock],
    } = await this.#transport.read(target, signal)
    const changed = async (until: AbortSignal): Promise<undefined> => {
      const differs = ({ entries: [now] }: Snapshot): boolean => !isSame(lock, now)
      await this.#waits.until(target, index, differs, until)
    }
    return { leader: leaderOf(lock), changed }
  }
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

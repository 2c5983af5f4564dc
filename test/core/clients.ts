// One or two clients of a faulty store, on a clock that the test moves: many tests of locks, elections and cron begin so.
import type { Backend } from '../../src/contract.ts'
import { connect, type Leasehold } from '../../src/index.ts'
import { FaultyStore } from './faulty.ts'
import { ManualClock } from './manual-clock.ts'

/** Two clients that share a clock and a store. */
export interface TwoClients {
  readonly clock: ManualClock
  readonly store: FaultyStore
  readonly one: Leasehold
  readonly other: Leasehold
  /** A view of the store without the faults. */
  readonly truth: Backend
}

/** Opens both clients. */
export async function twoClients(ttlMs: number): Promise<TwoClients> {
  const clock = new ManualClock()
  const store = new FaultyStore()
  const client = (): Promise<Leasehold> => connect(store.source, { clock, ttlMs })
  const [one, other] = await Promise.all([client(), client()])
  return { clock, store, one, other, truth: await store.source.open(clock) }
}

/** A client with a clock and a store of its own. */
export interface OneClient {
  readonly clock: ManualClock
  readonly store: FaultyStore
  readonly client: Leasehold
  /** A view of the store without the faults. */
  readonly truth: Backend
}

/** Opens the client. */
export async function oneClient(ttlMs: number, store: FaultyStore = new FaultyStore()): Promise<OneClient> {
  const clock = new ManualClock()
  const client = await connect(store.source, { clock, ttlMs })
  return { clock, store, client, truth: await store.source.open(clock) }
}

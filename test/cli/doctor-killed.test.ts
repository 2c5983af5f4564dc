// A `leasehold doctor` that is killed in the middle of its trial, at each moment of it, on simulated stores: nothing of it stays.
import { expect, test } from 'vitest'
import { trySession } from '../../src/cli/doctor/session-trial.ts'
import {
  Network,
  SimConsul,
  SimEtcd,
  SimProcess,
  simulatedConsul,
  simulatedEtcd,
  World,
} from '../../src/testing/index.ts'

const ttlMs = 10_000
/** The time in which each store ends a session that nobody renews: Consul takes up to twice its time to live. */
const endMs = 2 * ttlMs + 1_000

/** The number of sessions and keys in the store. */
interface Left {
  readonly sessions: number
  readonly keys: number
}

const begun = {
  etcd(world: World, network: Network, process: SimProcess) {
    const server = new SimEtcd(world)
    const keys = (): number => server.state.range('\0', '\0').length
    const source = simulatedEtcd(network, process, server)
    return { source, sessions: () => server.leases.length, keys }
  },
  Consul(world: World, network: Network, process: SimProcess) {
    const server = new SimConsul(world)
    const keys = (): number => server.read({ prefix: '' }).entries.length
    const source = simulatedConsul(network, process, server)
    return { source, sessions: () => server.state.sessions.length, keys }
  },
}

/** Runs a trial, and kills its process after this much time. Resolves with what is left then, and after the time to live. */
async function killedAfter(store: keyof typeof begun, ms: number): Promise<{ then: Left; later: Left }> {
  const world = new World(7)
  const process = new SimProcess(world, 'doctor')
  const { source, sessions, keys } = begun[store](world, new Network(world), process)
  const opening = source.open(process, ttlMs)
  await world.run(world.nowMs + 1)
  const { signal } = new AbortController()
  const trial = trySession(await opening, ttlMs, { clock: process, signal, store })
  trial.catch(() => {})
  await world.run(world.nowMs + ms)
  process.kill()
  const look = (): Left => ({ sessions: sessions(), keys: keys() })
  const then = look()
  await world.run(world.nowMs + endMs)
  return { then, later: look() }
}

test.each(['etcd', 'Consul'] as const)(
  'a doctor that is killed at any moment leaves no key in %s, and its session ends by itself',
  async (store) => {
    const seen = new Set<number>()
    for (let ms = 0; ms < 40; ms += 1) {
      const { then, later } = await killedAfter(store, ms)
      seen.add(then.sessions)
      expect([then.keys, later.keys, later.sessions]).toEqual([0, 0, 0])
    }
    expect([...seen].sort()).toEqual([0, 1]) // it was killed with a session, too
  },
)

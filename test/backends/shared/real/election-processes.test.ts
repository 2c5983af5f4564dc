// Processes that lead in turn over a real server, and faults of them. LEASEHOLD_ROUNDS is the number of rounds with each
// fault.
import { describe, expect, test } from 'vitest'
import { useBuild } from '../../../servers/build.ts'
import { freshNamespace, median } from '../../../servers/etcd.ts'
import { realStores } from '../../../servers/real-stores.ts'
import { roundsOf, Workers } from '../../../servers/workers.ts'

const built = useBuild()
/** The time to live, and the latest time for the next leader on a busy machine: Consul may take the time to live twice. */
const promised = {
  etcd: { ttlMs: 2_000, latestMs: 4_000, rounds: roundsOf(3) },
  Consul: { ttlMs: 10_000, latestMs: 22_000, rounds: roundsOf(1) },
} as const

describe.for(realStores)('on $title', ({ title, use }) => {
  const store = use()
  const { ttlMs, latestMs, rounds } = promised[title]

  test('after every fault of the leader one leads at a time, and the next one within the promised time', {
    timeout: 60_000 + rounds * 5 * latestMs,
  }, async () => {
    const target = store.target(freshNamespace())
    const workers = new Workers({ index: built.index, target, ttlMs })

    const took = await workers.befallEach(rounds, title)

    workers.expectOneAtATime()
    expect(workers.terms).toBeGreaterThan(3 * rounds)
    expect(took.kill.at(-1)).toBeLessThan(latestMs)
    expect(took.stop.at(-1)).toBeLessThan(latestMs)
    expect(median(took.ask), 'woken by an event').toBeLessThan(1_000)
  })
})

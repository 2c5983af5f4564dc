// Processes that lead in turn over a real etcd, and faults of them. LEASEHOLD_ROUNDS is the number of rounds with each
// fault.
import { expect, test } from 'vitest'
import { useBuild } from '../../../servers/build.ts'
import { freshNamespace, median, useEtcd } from '../../../servers/etcd.ts'
import { roundsOf, Workers } from '../../../servers/workers.ts'

const etcd = useEtcd()
const built = useBuild()
const ttlMs = 2_000
const rounds = roundsOf(3)
/** How late a busy machine may be. */
const slackMs = 1_000

test('after every fault of the leader on etcd, one leads at a time, and the next one within the promised time', {
  timeout: 60_000 + rounds * 30_000,
}, async () => {
  const workers = new Workers({ index: built.index, target: etcd.cluster.url(freshNamespace()), ttlMs })

  const took = await workers.befallEach(rounds, 'etcd')

  workers.expectOneAtATime()
  expect(workers.terms).toBeGreaterThan(3 * rounds)
  expect(took.kill.at(-1)).toBeLessThan(ttlMs + 1_000 + slackMs)
  expect(took.stop.at(-1)).toBeLessThan(ttlMs + 1_000 + slackMs)
  expect(median(took.ask), 'woken by an event').toBeLessThan(1_000)
})

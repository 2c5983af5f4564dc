// Processes that lead in turn over a real Consul, and faults of them. LEASEHOLD_ROUNDS is the number of rounds with
// each fault.
import { expect, test } from 'vitest'
import { useBuild } from '../../../servers/build.ts'
import { useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace, median } from '../../../servers/etcd.ts'
import { roundsOf, Workers } from '../../../servers/workers.ts'

const store = useConsul()
const built = useBuild()
/** The shortest that Consul takes. */
const ttlMs = 10_000
const rounds = roundsOf(1)
/** How late a busy machine and Consul may be. */
const slackMs = 2_000

test('after every fault of the leader on Consul, one leads at a time, and the next one within the promised time', {
  timeout: 90_000 + rounds * 90_000,
}, async () => {
  const options = {
    endpoints: store.endpoints,
    namespace: freshNamespace(),
    lockDelayMs: 0,
    unsafeTwoMayHold: true,
  }
  const workers = new Workers({ index: built.index, target: JSON.stringify(options), ttlMs })

  const took = await workers.befallEach(rounds, 'Consul')

  workers.expectOneAtATime()
  expect(workers.terms).toBeGreaterThan(3 * rounds)
  expect(took.kill.at(-1)).toBeLessThan(2 * ttlMs + slackMs)
  expect(took.stop.at(-1)).toBeLessThan(2 * ttlMs + slackMs)
  expect(median(took.ask), 'woken by an event').toBeLessThan(1_000)
})

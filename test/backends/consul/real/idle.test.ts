// A balancer between a client and Consul that drops a connection when it was idle for too long, and tells nobody. Idle
// connections and waiters then need `idleMs`, which this checks; without it a request takes its whole time limit.
import { expect, test } from 'vitest'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshName, useConsul } from '../../../servers/consul-store.ts'
import { openLink } from '../../../servers/link.ts'

const store = useConsul()
const droppedMs = 1_500
/** A time limit of a request is 3 s here: an answer within this came over a connection that works. */
const soonMs = 1_500

test('behind a balancer that drops idle connections in silence, idleMs keeps requests and waiters fast', async () => {
  const link = await openLink(store.host)
  link.idleMs = droppedMs
  const [client] = await store.clients(1, { endpoints: [link.address], idleMs: 1_000, ttlMs: 60_000 })
  const [other] = await store.clients(1, { ttlMs: 60_000 })
  const name = freshName()
  await client?.mutex(`${name}-warm`).run(async () => {})
  await until(async () => link.open === 0, { describe: () => `no idle connection, not ${link.open}` })

  const asked = performance.now()
  const hold = await client?.mutex(name).acquire()
  expect(performance.now() - asked).toBeLessThan(soonMs)
  await hold?.release()

  const taken = await other?.mutex(name).acquire()
  const waiting = client?.mutex(name).acquire()
  const opened = link.connections
  // Its wait goes on over the same connections, longer than the balancer keeps one that is idle.
  const since = performance.now()
  await until(async () => performance.now() - since > 2 * droppedMs, { describe: () => 'the wait' })
  const released = performance.now()
  await taken?.release()
  await (await waiting)?.release()
  expect(performance.now() - released).toBeLessThan(soonMs)
  expect(link.connections - opened).toBeLessThanOrEqual(4)
})

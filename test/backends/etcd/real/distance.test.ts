// A server that is far away: 320 ms for a request and its answer.
import { expect, test } from 'vitest'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshNamespace, open, useEtcd } from '../../../servers/etcd.ts'
import { openLink } from '../../../servers/link.ts'

const etcd = useEtcd()

test('over a way of 320 ms a client with the shortest time to live connects, acquires and stays', async () => {
  const link = await openLink(etcd.cluster.endpoints[0] ?? '')
  link.roundTripMs = 320
  const client = await open(`etcd://${link.address}/${freshNamespace()}`, { ttlMs: 2_000, waitMs: 10_000 })
  const hold = await client.mutex('a').acquire({ waitMs: 10_000 })
  const twice = performance.now() + 4_000
  await until(async () => performance.now() > twice || !hold.held, { describe: () => 'time stands still' })
  expect(hold.held).toBe(true)
  await hold.release()
})

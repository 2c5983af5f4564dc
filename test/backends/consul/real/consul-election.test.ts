// An election of Consul's leader with the settings that Consul has by itself, which take longest: what a client with the
// defaults holds, it holds on.
import { expect, test } from 'vitest'
import { type TestConsul, useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace } from '../../../servers/etcd.ts'

const store: TestConsul = useConsul({ servers: 3, config: { performance: { raft_multiplier: 5 } } })

test('with the defaults a hold outlives an election of Consul, and reports no loss', {
  timeout: 90_000,
}, async () => {
  const leader = await store.cluster.leader()
  const followers = store.cluster.members.filter((member) => member !== leader)
  const endpoints = followers.map(({ endpoint }) => endpoint)
  const client = await store.client(freshNamespace(), { endpoints })
  const holds = [
    await client.mutex('a').acquire(),
    await client.semaphore('b', { permits: 2 }).acquire(),
    await client.semaphore('b', { permits: 2 }).acquire(),
  ]

  const began = performance.now()
  await leader.kill()
  await store.cluster.leader()
  await Promise.all(holds.map((hold) => hold.verify())) // asked again until Consul answers

  const least = Math.min(...holds.map((hold) => hold.remainingMs))
  console.log(
    `nobody answered for ${Math.round(performance.now() - began)} ms; ${Math.round(least)} ms were left`,
  )
  expect(holds.map(({ held, signal }) => held && !signal.aborted)).toEqual([true, true, true])
})

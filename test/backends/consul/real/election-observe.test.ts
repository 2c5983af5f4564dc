// A restored snapshot of Consul, and an observer of an election: it still sees the last state.
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Leasehold } from '../../../../src/index.ts'
import { ownedFolder } from '../../../../tools/servers/children.mjs'
import { useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace } from '../../../servers/etcd.ts'
import { Observed } from '../../../servers/observed.ts'

const store = useConsul()
/** So long that no timer can be the reason why an observer wakes here. */
const ttlMs = 120_000

test('an observer follows when a restored snapshot sets the indexes back', { timeout: 60_000 }, async () => {
  const namespace = freshNamespace()
  const options = { ttlMs, lockDelayMs: 0, unsafeTwoMayHold: true }
  const [client, rival] = await Promise.all([1, 2].map(() => store.client(namespace, options)))
  const election = (client as Leasehold).election('a')
  const other = (rival as Leasehold).election('a')
  const observed = new Observed((await store.client(namespace, { ttlMs })).election('a'))
  await observed.sees('nobody')
  const folder = ownedFolder('leasehold-snapshot')
  onTestFinished(folder.remove)
  const file = join(folder.path, 'snapshot')
  const run = async (...args: string[]) => expect((await store.cluster.consul(args)).code).toBe(0)
  const first = await election.campaign({ value: 'first' })
  await observed.sees('first')
  await run('snapshot', 'save', file)
  for (let i = 0; i < 20; i += 1) await first.proclaim(`later ${i}`)
  await first.resign()
  await observed.sees('nobody')
  const second = await other.campaign({ value: 'second' })
  await observed.sees('second')

  await run('snapshot', 'restore', file)

  // Consul has forgotten the second leader, and the first one no longer wants to lead. Only the snapshot counts.
  expect((await observed.sees('first', 30_000))?.token).toBe(first.token)
  const { session = '' } = (await election.leader()) ?? {}
  await store.destroy(session)
  await observed.sees('nobody')
  if (!second.signal.aborted) await once(second.signal, 'abort')
  expect(second.held).toBe(false)
  const third = await other.campaign({ value: 'third' })
  expect((await observed.sees('third'))?.token).toBe(third.token)
})

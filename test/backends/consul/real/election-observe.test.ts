// Faults that an observer of an election on Consul meets: it still sees the last state.
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { consul } from '../../../../src/backends/consul/index.ts'
import { ownedFolder } from '../../../../tools/servers/children.mjs'
import { useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace, open } from '../../../servers/etcd.ts'
import { openLink } from '../../../servers/link.ts'
import { Observed } from '../../../servers/observed.ts'
import { throughCuts, throughTrouble, troubles } from '../../../servers/troubled-observer.ts'

const store = useConsul()
/** So long that no fallback by time can be what wakes an observer here. */
const ttlMs = 120_000

/** An observer behind a link, and a client that reaches Consul by itself. */
async function scene(observerTtlMs = ttlMs) {
  const namespace = freshNamespace()
  const link = await openLink(store.endpoints[0] ?? '')
  const client = await open(consul({ endpoints: [link.address], namespace }), { ttlMs: observerTtlMs })
  const election = (
    await store.client(namespace, { ttlMs, lockDelayMs: 0, unsafeTwoMayHold: true })
  ).election('a')
  const observed = new Observed(client.election('a'))
  await observed.sees('nobody')
  return { namespace, link, election, observed }
}

test('an observer whose connections break again and again never misses the last state', async () => {
  const { link, ...scenery } = await scene()
  await throughCuts(scenery, () => link.cut())
})

test.for(troubles)('an observer goes on when Consul is %s', async (trouble) => {
  await throughTrouble(await scene(), store.cluster.members[0], trouble)
})

test('an observer follows when a restored snapshot sets the indexes back', { timeout: 60_000 }, async () => {
  const { election, observed, namespace } = await scene()
  const other = (await store.client(namespace, { ttlMs, lockDelayMs: 0, unsafeTwoMayHold: true })).election(
    'a',
  )
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

test('an observer whose connection falls silent learns who leads within a time to live', async () => {
  const { election, link, observed } = await scene(10_000)
  const term = await election.campaign({ value: 'first' })
  await observed.sees('first')

  link.forget() // existing connections stay open and silent; new ones work
  await term.proclaim('second')

  await observed.sees('second')
})

test('an observer sees each change while others write much', async () => {
  const { namespace, election, observed } = await scene()
  const noise = (await store.client(namespace, { ttlMs })).election('a/b')
  const expected = ['nobody']
  const noisy = await noise.campaign()
  for (let round = 0; round < 15; round += 1) {
    const writing = Promise.all([1, 2, 3].map((i) => noisy.proclaim(`noise ${round}.${i}`)))
    const term = await election.campaign({ value: `round ${round}` })
    await observed.sees(`round ${round}`)
    await term.resign()
    await observed.sees('nobody')
    await writing
    expected.push(`round ${round}`, 'nobody')
  }
  expect(observed.values).toEqual(expected)
})

test('an observer leaves nothing in Consul, and its loop ends with its client', async () => {
  const namespace = freshNamespace()
  const client = await store.client(namespace)
  const loop = client.election('a').observe()
  expect((await loop.next()).value).toBeUndefined()
  const ended = expect(loop.next()).rejects.toMatchObject({ name: 'ClosedError' })

  await client.close()

  await ended
  expect(await store.keys(namespace)).toEqual([])
})

// Faults that an observer of an election on etcd meets: it still sees the last state.
import { expect, test } from 'vitest'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshNamespace, open, useEtcd } from '../../../servers/etcd.ts'
import { type Link, openLink } from '../../../servers/link.ts'
import { Observed } from '../../../servers/observed.ts'
import { throughCuts, throughTrouble, troubles } from '../../../servers/troubled-observer.ts'

const etcd = useEtcd()
/** So long that no timer can be the reason why an observer wakes here. */
const ttlMs = 120_000

/** An observer behind a link, and a client with a direct connection to etcd. */
async function scene(observerTtlMs = ttlMs) {
  const namespace = freshNamespace()
  const link: Link = await openLink(etcd.cluster.endpoints[0] ?? '')
  const client = await open(`etcd://${link.address}/${namespace}`, { ttlMs: observerTtlMs })
  const election = (await etcd.client(namespace, { ttlMs })).election('a')
  const observed = new Observed(client.election('a'))
  await observed.sees('nobody')
  return { namespace, link, election, observed }
}

async function compact(): Promise<void> {
  const compacted = await etcd.cluster.etcdctl(['compact', String(await etcd.revision())])
  const defragmented = await etcd.cluster.etcdctl(['defrag'])
  expect([compacted.code, defragmented.code]).toEqual([0, 0])
}

test('an observer survives the compaction of the revisions that it watches', async () => {
  const { election, observed } = await scene()
  let term = await election.campaign({ value: 'first' })
  await observed.sees('first')

  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < 20; i += 1) await etcd.put('unrelated', String(i))
    await compact()
    await term.proclaim(`proclaimed ${round}`)
    await observed.sees(`proclaimed ${round}`)
    await compact()
    await term.resign()
    await observed.sees('nobody')
    await compact()
    term = await election.campaign({ value: `term ${round}` })
    expect((await observed.sees(`term ${round}`))?.token).toBe(term.token)
  }
})

test('an observer that is cut off while its revision is compacted sees the leader when it is back', async () => {
  const { election, link, observed } = await scene()
  const term = await election.campaign({ value: 'first' })
  await observed.sees('first')

  link.hold('up')
  link.hold('down')
  await term.proclaim('second')
  await term.resign()
  const next = await election.campaign({ value: 'third' })
  await compact()
  link.forget()
  link.cut()

  expect((await observed.sees('third'))?.token).toBe(next.token)
})

test('an observer whose watch breaks again and again never misses the last state', async () => {
  const { link, ...scenery } = await scene()
  await throughCuts(scenery, () => link.cut())
})

test.for(troubles)('an observer goes on when etcd is %s', async (trouble) => {
  await throughTrouble(await scene(), etcd.cluster.members[0], trouble)
})

test('an observer whose connection falls silent learns of the leader within a time to live', async () => {
  const { election, link, observed } = await scene(4_000)
  const term = await election.campaign({ value: 'first' })
  await observed.sees('first')

  link.forget() // existing connections stay open and silent; new ones work
  await term.proclaim('second')

  await observed.sees('second')
})

test('an observer sees each change while other clients write a lot', async () => {
  const { election, observed } = await scene()
  const stop = etcd.writeAlways(4)
  const expected = ['nobody']
  for (let round = 0; round < 20; round += 1) {
    const term = await election.campaign({ value: `round ${round}` })
    await observed.sees(`round ${round}`)
    await term.resign()
    await observed.sees('nobody')
    expected.push(`round ${round}`, 'nobody')
  }
  await stop()
  expect(observed.values).toEqual(expected)
})

test('an observer sees the leader behind keys of longer names, and never takes those for its name', async () => {
  const { namespace, election, observed } = await scene()
  const other = await etcd.client(namespace, { ttlMs })
  for (let i = 0; i < 10; i += 1) await other.election(`a/${i}`).campaign({ value: `other ${i}` })

  const term = await election.campaign({ value: 'first' })
  expect((await observed.sees('first'))?.token).toBe(term.token)
  await term.proclaim('second')
  await observed.sees('second')
  await term.resign()
  await observed.sees('nobody')

  expect(observed.values).toEqual(['nobody', 'first', 'second', 'nobody'])
})

test('an observer leaves nothing in etcd, and its loop ends with its client', async () => {
  const namespace = freshNamespace()
  const client = await etcd.client(namespace)
  const { value } = await client.election('a').observe().next()
  expect(value).toBeUndefined()
  const loop = client.election('a').observe()
  await loop.next()
  const ended = expect(loop.next()).rejects.toMatchObject({ name: 'ClosedError' })

  await client.close()

  await ended
  expect(await etcd.keys(namespace)).toEqual([])
  await until(async () => (await etcd.leases()).length === 0, { describe: () => 'the end of its lease' })
})

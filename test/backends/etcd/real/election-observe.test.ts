// Compactions that an observer of an election on etcd meets: it still sees the last state.
import { expect, test } from 'vitest'
import { freshNamespace, open, useEtcd } from '../../../servers/etcd.ts'
import { openLink } from '../../../servers/link.ts'
import { Observed } from '../../../servers/observed.ts'

const etcd = useEtcd()
/** So long that no timer can be the reason why an observer wakes here. */
const ttlMs = 120_000

/** An observer behind a link, and a client with a direct connection to etcd. */
async function scene() {
  const namespace = freshNamespace()
  const link = await openLink(etcd.cluster.endpoints[0] ?? '')
  const client = await open(`etcd://${link.address}/${namespace}`, { ttlMs })
  const election = (await etcd.client(namespace, { ttlMs })).election('a')
  const observed = new Observed(client.election('a'))
  await observed.sees('nobody')
  return { link, election, observed }
}

/** By two requests: on a busy machine, starting etcdctl eighteen times takes longer than the whole test may. */
async function compact(): Promise<void> {
  await etcd.gateway('kv/compaction', { revision: String(await etcd.revision()), physical: true })
  await etcd.gateway('maintenance/defragment', {})
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

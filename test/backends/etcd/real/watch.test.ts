// Faults of a watch: compaction, other clients' writes, a cut connection, a restart. A waiter still wakes.
import { expect, test } from 'vitest'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshNamespace, median, open, useEtcd } from '../../../servers/etcd.ts'
import { type Link, openLink } from '../../../servers/link.ts'
import { callsOf } from '../../../servers/metrics.ts'

const etcd = useEtcd()
/** So long that no timer can be the reason why a waiter wakes here. */
const ttlMs = 60_000

async function through(link: Link, namespace: string, options = {}) {
  return open(`etcd://${link.address}/${namespace}`, { ttlMs, ...options })
}

/** Resolves with the waiting acquire once its watch has begun. */
async function waiting<T>(acquire: () => Promise<T>): Promise<{ acquired: Promise<T> }> {
  const before = await callsOf(etcd.cluster, 'Watch', 'msg_received')
  const acquired = acquire()
  const watches = async () => (await callsOf(etcd.cluster, 'Watch', 'msg_received')) > before
  await until(watches, { describe: () => 'the watch', everyMs: 5 })
  return { acquired }
}

async function timeOf(work: Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work
  return performance.now() - began
}

async function compact(): Promise<void> {
  const revision = await etcd.revision()
  const compacted = await etcd.cluster.etcdctl(['compact', String(revision)])
  const defragmented = await etcd.cluster.etcdctl(['defrag'])
  expect([compacted.code, defragmented.code]).toEqual([0, 0])
}

test('compaction and defragmentation disturb neither a holder nor a waiter', async () => {
  const namespace = freshNamespace()
  const [holder, other] = [await etcd.client(namespace, { ttlMs }), await etcd.client(namespace, { ttlMs })]
  const hold = await holder.mutex('a').acquire()
  const { acquired } = await waiting(() => other.mutex('a').acquire())

  for (let i = 0; i < 3; i += 1) {
    await etcd.put('unrelated', String(i))
    await compact()
  }
  await hold.verify()
  const began = performance.now()
  await hold.release()
  await (await acquired).verify()

  expect(performance.now() - began).toBeLessThan(1_000)
})

test('a lock held for a moment is handed over in the time of two writes, while other clients write', async () => {
  const namespace = freshNamespace()
  const [one, other] = [await etcd.client(namespace, { ttlMs }), await etcd.client(namespace, { ttlMs })]
  const stop = etcd.writeAlways(8)
  const began = performance.now()
  const tookMs: number[] = []
  const writesMs: number[] = []
  for (let i = 0; i < 20; i += 1) {
    const hold = await one.mutex('a').acquire()
    const next = other.mutex('a').acquire()
    await etcd.line(namespace, 'a', 2)
    writesMs.push(await timeOf(etcd.put('unrelated')))
    tookMs.push(await timeOf(Promise.all([hold.release(), next])))
    await (await next).release()
  }
  const perSecond = (1_000 * (await stop())) / (performance.now() - began)

  expect(perSecond).toBeGreaterThan(20) // otherwise nobody else wrote, and the test shows nothing
  // etcd tells a watch that began in the past of its events every 100 ms only, so after 50 ms and a write.
  expect(median(tookMs), `of ${tookMs.map(Math.round)} ms`).toBeLessThan(30 + 2 * median(writesMs))
})

test('a waiter whose connection is cut wakes at the release', async () => {
  const namespace = freshNamespace()
  const link = await openLink(etcd.cluster.endpoints[0] ?? '')
  const hold = await (await etcd.client(namespace, { ttlMs })).mutex('a').acquire()
  const client = await through(link, namespace)
  const { acquired } = await waiting(() => client.mutex('a').acquire())

  for (let i = 0; i < 3; i += 1) {
    const before = await callsOf(etcd.cluster, 'Watch', 'msg_received')
    link.cut()
    const again = async () => (await callsOf(etcd.cluster, 'Watch', 'msg_received')) > before
    await until(again, { describe: () => 'another watch', everyMs: 5 })
  }
  const began = performance.now()
  await hold.release()
  await (await acquired).verify()

  expect(performance.now() - began).toBeLessThan(2_000)
})

test('a waiter wakes at a release that happened while its connection was cut', async () => {
  const namespace = freshNamespace()
  const link = await openLink(etcd.cluster.endpoints[0] ?? '')
  const hold = await (await etcd.client(namespace, { ttlMs })).mutex('a').acquire()
  const client = await through(link, namespace)
  const { acquired } = await waiting(() => client.mutex('a').acquire())

  link.hold('up')
  link.cut()
  await hold.release()
  link.pass()

  await (await acquired).verify()
})

test('a waiter wakes at a release that happened between its answer and its watch', async () => {
  const namespace = freshNamespace()
  const link = await openLink(etcd.cluster.endpoints[0] ?? '')
  const hold = await (await etcd.client(namespace, { ttlMs })).mutex('a').acquire()
  const client = await through(link, namespace)

  link.hold('down')
  const acquired = client.mutex('a').acquire()
  await etcd.line(namespace, 'a', 2)
  link.hold('up')
  link.pass('down')
  const asks = async () => link.holds('up', `${namespace}a/`)
  await until(asks, { describe: () => 'the watch under way', everyMs: 1 })
  await hold.release()
  link.pass()

  await (await acquired).verify()
})

test.for(['mutex', 'semaphore'] as const)(
  'a waiter for a %s holds in the end if the server restarts meanwhile',
  async (kind) => {
    const namespace = freshNamespace()
    const [holder, waiter] = [
      await etcd.client(namespace, { ttlMs }),
      await etcd.client(namespace, { ttlMs }),
    ]
    const of = {
      mutex: (client: typeof holder) => client.mutex('a'),
      semaphore: (client: typeof holder) => client.semaphore('a', { permits: 2 }),
    }[kind]
    const holds = [await of(holder).acquire(), ...(kind === 'semaphore' ? [await of(holder).acquire()] : [])]
    const { acquired } = await waiting(() => of(waiter).acquire())

    await etcd.cluster.members[0].restart()
    const began = performance.now()
    await holds[0]?.release()
    await (await acquired).verify()

    expect(performance.now() - began).toBeLessThan(5_000)
  },
)

test('a connection that fell silent is replaced before a hold is lost', async () => {
  const link = await openLink(etcd.cluster.endpoints[0] ?? '')
  const namespace = freshNamespace()
  const client = await through(link, namespace, { ttlMs: 5_000 })
  // Another client of this process, which keeps the old connection for longer.
  await (await through(link, namespace)).mutex('other').acquire()
  const hold = await client.mutex('a').acquire()

  link.forget() // existing connections stay open and silent; new ones work
  const silent = performance.now()
  const over = async (): Promise<boolean> => hold.signal.aborted || performance.now() - silent > 6_000
  await until(over, { describe: () => 'a time to live' })

  expect(hold.held).toBe(true)
  await hold.verify()
})

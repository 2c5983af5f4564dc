// The requests of each verb, counted by the server itself.
import { expect, test } from 'vitest'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'
import { callsOf, counting } from '../../../servers/metrics.ts'

const etcd = useEtcd()
/** etcd since 3.7 does not name the leases of claims ahead, so there a claim asks for them once. */
const forLeases = (): number => (Number(etcd.cluster.version.split('.')[1]) >= 7 ? 1 : 0)
/** Long enough that no renewal falls into a test. */
const ttlMs = 60_000

test('acquire and release of a free mutex are one request each', async () => {
  const client = await etcd.client(freshNamespace(), { ttlMs })
  const mutex = client.mutex('a')

  const toAcquire = await counting(etcd.cluster)
  const hold = await mutex.acquire()
  expect(await toAcquire()).toEqual({ Txn: 1 })

  const toRelease = await counting(etcd.cluster)
  await hold.release()
  expect(await toRelease()).toEqual({ Txn: 1 })
})

test('many acquires in turn cost two requests each', async () => {
  const client = await etcd.client(freshNamespace(), { ttlMs })
  const mutex = client.mutex('a')

  const count = await counting(etcd.cluster)
  for (let i = 0; i < 50; i += 1) await (await mutex.acquire()).release()
  expect(await count()).toEqual({ Txn: 100 })
})

test('tryAcquire of a free mutex is one request', async () => {
  const client = await etcd.client(freshNamespace(), { ttlMs })

  const count = await counting(etcd.cluster)
  const hold = await client.mutex('a').tryAcquire()
  expect(hold?.held).toBe(true)
  expect(await count()).toEqual({ Txn: 1 })
})

test('five free names are taken by one request, and given back by one', async () => {
  const client = await etcd.client(freshNamespace(), { ttlMs })

  const toAcquire = await counting(etcd.cluster)
  const hold = await client.mutexes(['e', 'c', 'a', 'd', 'b']).acquire()
  expect(await toAcquire()).toEqual({ Txn: 1 })
  expect(hold.tokens.size).toBe(5)
  await hold.verify()

  const toRelease = await counting(etcd.cluster)
  await hold.release()
  expect(await toRelease()).toEqual({ Txn: 1 })
})

test('64 names fit into one request, also one that finds the last of them taken and leaves nothing behind', async () => {
  const namespace = freshNamespace()
  const [one, other] = [await etcd.client(namespace, { ttlMs }), await etcd.client(namespace, { ttlMs })]
  const group = one.mutexes(Array.from({ length: 64 }, (_, index) => `n${100 + index}`))
  const last = await other.mutex('n163').acquire()
  const revision = await etcd.revision()

  const count = await counting(etcd.cluster)
  expect(await group.tryAcquire()).toBeUndefined()
  expect(await count()).toEqual({ Txn: 1 + forLeases() })
  expect(await etcd.revision()).toBe(revision)

  await last.release()
  const all = await counting(etcd.cluster)
  const hold = await group.acquire()
  await hold.release()
  expect(await all()).toEqual({ Txn: 2 })
  expect(await etcd.revision()).toBe(revision + 3n)
})

test('tryAcquire of a mutex that is taken is one request and leaves nothing behind', async () => {
  const namespace = freshNamespace()
  const [holder, other] = [await etcd.client(namespace, { ttlMs }), await etcd.client(namespace, { ttlMs })]
  await holder.mutex('a').acquire()
  const keys = await etcd.keys()
  const revision = await etcd.revision()

  const count = await counting(etcd.cluster)
  expect(await other.mutex('a').tryAcquire()).toBeUndefined()
  expect(await count()).toEqual({ Txn: 1 + forLeases() })

  expect(await etcd.revision()).toBe(revision)
  expect(await etcd.keys()).toEqual(keys)
})

test('tryAcquire of a mutex that this client holds costs nothing', async () => {
  const client = await etcd.client(freshNamespace(), { ttlMs })
  await client.mutex('a').acquire()

  const count = await counting(etcd.cluster)
  expect(await client.mutex('a').tryAcquire()).toBeUndefined()
  expect(await count()).toEqual({})
})

test('a semaphore takes one request to acquire, two to try, one to release', async () => {
  const client = await etcd.client(freshNamespace(), { ttlMs })
  const semaphore = client.semaphore('a', { permits: 3 })

  const toAcquire = await counting(etcd.cluster)
  const hold = await semaphore.acquire()
  expect(await toAcquire()).toEqual({ Txn: 1 })

  const toTry = await counting(etcd.cluster)
  await semaphore.tryAcquire()
  expect(await toTry()).toEqual({ Txn: 2 + forLeases() })

  const toRelease = await counting(etcd.cluster)
  await hold.release()
  expect(await toRelease()).toEqual({ Txn: 1 })
})

test('an acquire that waits sends one transaction and one watch, and none at the hand-over', async () => {
  const namespace = freshNamespace()
  const [holder, waiter] = [await etcd.client(namespace, { ttlMs }), await etcd.client(namespace, { ttlMs })]
  const hold = await holder.mutex('a').acquire()

  const toWait = await counting(etcd.cluster)
  const waiting = waiter.mutex('a').acquire()
  const watched = async () => (await toWait()).Watch === 1
  await until(watched, { describe: () => 'the watch' })
  expect(await toWait()).toEqual({ Txn: 1 + forLeases(), Watch: 1 })

  const toHandOver = await counting(etcd.cluster)
  await hold.release()
  await waiting
  const { Txn, Watch = 0 } = await toHandOver()
  expect(Txn).toBe(1) // the release itself
  expect(Watch).toBeLessThanOrEqual(1) // the end of the watch
})

test('while others write, an acquire that waits reads once more before it trusts its watch', async () => {
  const namespace = freshNamespace()
  const [holder, waiter] = [await etcd.client(namespace, { ttlMs }), await etcd.client(namespace, { ttlMs })]
  const hold = await holder.mutex('a').acquire()
  const stopWriting = etcd.writeAlways(4)
  const before = {
    all: await callsOf(etcd.cluster, 'Txn'),
    watches: await callsOf(etcd.cluster, 'Watch', 'msg_received'),
  }

  const waiting = waiter.mutex('a').acquire()
  await until(async () => (await callsOf(etcd.cluster, 'Watch', 'msg_received')) > before.watches, {
    describe: () => 'the watch',
  })
  await hold.release()
  await waiting
  await stopWriting()

  // Join, look and release; and another look if the release comes during the first one.
  expect((await callsOf(etcd.cluster, 'Txn')) - before.all).toBeLessThanOrEqual(4 + forLeases())
})

test('verify, and writing and reading a checkpoint, are one request each', async () => {
  const client = await etcd.client(freshNamespace(), { ttlMs })
  const hold = await client.mutex('a').acquire()
  const verbs = {
    verify: () => hold.verify(),
    write: () => hold.checkpoint('text'),
    'write again': () => hold.checkpoint('more'),
    read: () => client.mutex('a').readCheckpoint(),
  }
  for (const [verb, run] of Object.entries(verbs)) {
    const count = await counting(etcd.cluster)
    await run()
    expect(await count(), verb).toEqual({ Txn: 1 })
  }
})

test('one renewal serves all holds of a client, however many', async () => {
  const client = await etcd.client(freshNamespace(), { ttlMs: 2_000 })
  for (let i = 0; i < 20; i += 1) await client.mutex(`lock ${i}`).acquire()

  const before = await callsOf(etcd.cluster, 'LeaseKeepAlive', 'msg_received')
  const began = performance.now()
  const renewals = async () => (await callsOf(etcd.cluster, 'LeaseKeepAlive', 'msg_received')) - before
  await until(async () => (await renewals()) >= 2, { describe: () => 'two renewals' })

  expect(performance.now() - began).toBeGreaterThan(550) // a third of the time to live, less a tenth of that
  expect(await renewals()).toBe(2)
})

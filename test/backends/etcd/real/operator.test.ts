// An operator breaks a lock with etcdctl: the holder learns of it, and the next one goes on.
import { once } from 'node:events'
import { expect, test } from 'vitest'
import type { Hold } from '../../../../src/index.ts'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'

const etcd = useEtcd()
const ttlMs = 6_000

async function lost(hold: Hold): Promise<void> {
  if (!hold.signal.aborted) await once(hold.signal, 'abort')
  expect(hold.signal.reason).toMatchObject({ code: 'LEASEHOLD_HOLD_LOST' })
  expect(hold.held).toBe(false)
}

test('a holder whose key is deleted learns of it within a third of the time to live', async () => {
  const namespace = freshNamespace()
  const [holder, next] = [await etcd.client(namespace, { ttlMs }), await etcd.client(namespace, { ttlMs })]
  const hold = await holder.mutex('a').acquire()
  const waiting = next.mutex('a').acquire()
  const [claim] = await etcd.line(namespace, 'a', 2)

  const began = performance.now()
  await etcd.cluster.etcdctl(['del', claim?.key ?? ''])
  const newer = await waiting
  await lost(hold)

  expect(performance.now() - began).toBeLessThan(ttlMs / 3 + 500)
  await newer.verify()
  expect(newer.token).toBeGreaterThan(hold.token)
  // The session lives on, and so does the client.
  const again = holder.mutex('a').acquire()
  await etcd.line(namespace, 'a', 2)
  await newer.release()
  await (await again).verify()
})

test('a holder that has held for a while learns at once that its key was deleted', async () => {
  const namespace = freshNamespace()
  const client = await etcd.client(namespace, { ttlMs: 10_000 })
  const hold = await client.mutex('a').acquire()
  const [claim] = await etcd.line(namespace, 'a', 1)
  // The watch over a hold begins after a tenth of the time to live.
  await new Promise((resolve) => setTimeout(resolve, 1_500))

  const began = performance.now()
  await etcd.cluster.etcdctl(['del', claim?.key ?? ''])
  await lost(hold)

  expect(performance.now() - began).toBeLessThan(500)
})

test('a holder whose lease is revoked learns of it, and the next one holds', async () => {
  const namespace = freshNamespace()
  const [holder, next] = [await etcd.client(namespace, { ttlMs }), await etcd.client(namespace, { ttlMs })]
  const hold = await holder.mutex('a').acquire()
  const other = await holder.semaphore('b', { permits: 2 }).acquire()
  const waiting = next.mutex('a').acquire()
  const [claim] = await etcd.line(namespace, 'a', 2)

  const began = performance.now()
  await etcd.cluster.etcdctl(['lease', 'revoke', (claim?.lease ?? 0n).toString(16)])
  await waiting
  await Promise.all([lost(hold), lost(other)])

  expect(performance.now() - began).toBeLessThan(ttlMs / 3 + 500)
  // The client opens a new session by itself.
  const again = await holder.mutex('c').acquire()
  expect(again.held).toBe(true)
})

test.for([1, 3])('a waiter with %s ahead whose own key is deleted stands in line again', async (ahead) => {
  const namespace = freshNamespace()
  const holders = await Promise.all(Array.from({ length: ahead }, () => etcd.client(namespace, { ttlMs })))
  const pending: Promise<Hold>[] = []
  for (const [place, client] of holders.entries()) {
    pending.push(client.mutex('a').acquire())
    await etcd.line(namespace, 'a', place + 1)
  }
  const waiter = await etcd.client(namespace, { ttlMs: 2_000 })
  let held = false
  const waiting = waiter
    .mutex('a')
    .acquire()
    .finally(() => {
      held = true
    })
  const own = (await etcd.line(namespace, 'a', ahead + 1)).at(-1)

  await etcd.cluster.etcdctl(['del', own?.key ?? ''])
  const again = (await etcd.line(namespace, 'a', ahead + 1)).at(-1)

  expect(again?.created).toBeGreaterThan(own?.created ?? 0n)
  expect(held).toBe(false)
  for (const before of pending) await (await before).release()
  await (await waiting).verify()
})

test('a waiter whose lease is revoked waits on with a new session', async () => {
  const namespace = freshNamespace()
  const [holder, waiter] = [await etcd.client(namespace, { ttlMs }), await etcd.client(namespace, { ttlMs })]
  const hold = await holder.mutex('a').acquire()
  const waiting = waiter.mutex('a').acquire()
  const [, own] = await etcd.line(namespace, 'a', 2)

  await etcd.cluster.etcdctl(['lease', 'revoke', (own?.lease ?? 0n).toString(16)])
  const [, again] = await etcd.line(namespace, 'a', 2)
  expect(again?.lease).not.toBe(own?.lease)
  await hold.release()

  await (await waiting).verify()
})

test('a waiter still gets its turn when the waiter in the middle of the line leaves', async () => {
  const namespace = freshNamespace()
  const clients = await Promise.all([1, 2, 3].map(() => etcd.client(namespace, { ttlMs })))
  const pending: Promise<Hold>[] = []
  for (const [place, client] of clients.entries()) {
    pending.push(client.mutex('a').acquire())
    await etcd.line(namespace, 'a', place + 1)
  }
  const [first, middle, last] = pending
  let held = false
  last?.then(() => {
    held = true
  })

  const closed = clients[1]?.close()
  await expect(middle).rejects.toThrow('closed')
  await closed
  await etcd.line(namespace, 'a', 2)
  await (await first)?.verify()
  expect(held).toBe(false)
  await (await first)?.release()

  await (await last)?.verify()
})

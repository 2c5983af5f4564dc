// Semaphores on etcd: never more holders than permits, in the order of arrival, each with a token of its own.
import { expect, test } from 'vitest'
import type { Hold } from '../../../../src/index.ts'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'

const etcd = useEtcd()
const permits = 3

/** Has ten clients ask for a permit, one after another. */
async function lineUp(namespace: string, count: number) {
  const order: number[] = []
  const pending: Promise<Hold>[] = []
  for (let place = 0; place < count; place += 1) {
    const client = await etcd.client(namespace)
    const acquired = client.semaphore('a', { permits }).acquire()
    acquired.then(() => order.push(place)).catch(() => {})
    pending.push(acquired)
    if (place < permits) await acquired
    await etcd.line(namespace, 'a', place + 1)
  }
  return { order, pending }
}

test('permits go to clients in the order of arrival, with tokens that grow', async () => {
  const { order, pending } = await lineUp(freshNamespace(), 10)

  const tokens: bigint[] = []
  for (const [place, acquired] of pending.entries()) {
    const hold = await acquired
    tokens.push(hold.token)
    expect(order.length).toBeLessThanOrEqual(place + permits)
    await hold.release()
    // Two clients learn of two releases over streams of their own, so the next release comes after this one's successor.
    await pending[place + permits]
  }

  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(tokens).toEqual([...new Set(tokens)].sort((one, other) => (one < other ? -1 : 1)))
})

test('there are never more holders than permits, and all are served', async () => {
  const namespace = freshNamespace()
  const clients = await Promise.all(Array.from({ length: 10 }, () => etcd.client(namespace)))
  let holders = 0
  let most = 0
  let served = 0
  const work = async (client: (typeof clients)[number]): Promise<void> => {
    for (let i = 0; i < 6; i += 1) {
      await using hold = await client.semaphore('a', { permits }).acquire()
      holders += 1
      most = Math.max(most, holders)
      await new Promise((resolve) => setTimeout(resolve, 3))
      expect(hold.held).toBe(true)
      holders -= 1
      served += 1
    }
  }

  // Each client has two callers, to include local lines.
  await Promise.all([...clients, ...clients].map(work))

  expect(most).toBe(permits)
  expect(served).toBe(120)
  expect(await etcd.keys(namespace)).toEqual([])
})

test('two permits that become free at one revision wake two waiters', async () => {
  const namespace = freshNamespace()
  const two = await etcd.client(namespace)
  const semaphore = two.semaphore('a', { permits: 2 })
  const holds = [await semaphore.acquire(), await semaphore.acquire()]
  const waiters = []
  for (let place = 2; place < 5; place += 1) {
    const client = await etcd.client(namespace, { ttlMs: 60_000 })
    waiters.push(client.semaphore('a', { permits: 2 }).acquire())
    await etcd.line(namespace, 'a', place + 1)
  }
  const [claim] = await etcd.line(namespace, 'a', 5)

  const began = performance.now()
  await etcd.cluster.etcdctl(['lease', 'revoke', (claim?.lease ?? 0n).toString(16)])
  const [first, second] = [await waiters[0], await waiters[1]] as [Hold, Hold]

  expect(performance.now() - began).toBeLessThan(2_000)
  expect(second.token).toBeGreaterThan(first.token)
  await Promise.all([first.verify(), second.verify()])
  await etcd.line(namespace, 'a', 3)
  await first.release()
  await (await waiters[2])?.verify()
  expect(holds.every(({ token }) => token < first.token)).toBe(true)
})

test('tryAcquire takes only free permits, and none that a waiter should get', async () => {
  const namespace = freshNamespace()
  const [one, other] = [await etcd.client(namespace), await etcd.client(namespace)]
  const [ours, theirs] = [one.semaphore('a', { permits: 2 }), other.semaphore('a', { permits: 2 })]

  const first = await ours.tryAcquire()
  const second = await theirs.tryAcquire()
  expect([first?.held, second?.held]).toEqual([true, true])
  expect(await ours.tryAcquire()).toBeUndefined()
  const third = await etcd.client(namespace)
  const waiting = third.semaphore('a', { permits: 2 }).acquire()
  await etcd.line(namespace, 'a', 3)
  const revision = await etcd.revision()
  expect(await theirs.tryAcquire()).toBeUndefined()
  expect(await etcd.revision()).toBe(revision)

  await first?.release()
  await (await waiting).verify()
})

test('many tries at once take at most the free permits, although each may be sent again', async () => {
  const namespace = freshNamespace()
  const clients = await Promise.all(Array.from({ length: 10 }, () => etcd.client(namespace)))

  const tried = await Promise.all(clients.map((client) => client.semaphore('a', { permits: 5 }).tryAcquire()))

  expect(tried.filter((hold) => hold?.held)).toHaveLength(5)
  expect(await etcd.keys(`${namespace}a/`)).toHaveLength(5)
})

test.each(['first', 'last'])(
  'a claim that lost its %s key leaves none of the others behind',
  async (which) => {
    const namespace = freshNamespace()
    const [client, other] = [await etcd.client(namespace), await etcd.client(namespace)]
    const tear = async (count: number): Promise<void> => {
      const keys = (await etcd.line(namespace, 'a', count)).slice(-3).map(({ key }) => key)
      const torn = keys.toSorted().at(which === 'first' ? 0 : -1) ?? ''
      await etcd.cluster.etcdctl(['del', torn])
    }
    const heavy = await client.semaphore('a', { permits }).acquire({ permits: 3 })
    const waiting = other.semaphore('a', { permits }).acquire({ permits: 3, waitMs: 1_000 })
    const failed = expect(waiting).rejects.toThrow(/not free/)
    await tear(6)
    await failed
    await etcd.line(namespace, 'a', 3)

    await tear(3)
    await expect(heavy.verify()).rejects.toThrow(/lost/)
    await etcd.line(namespace, 'a', 0)
    await (await other.semaphore('a', { permits }).acquire({ permits: 3 })).release()
  },
)

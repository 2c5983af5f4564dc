// Many clients at once: a hundred callers of one client, thirty clients for one lock, two clients in one process.
import { expect, test } from 'vitest'
import { keysMost } from '../../../../src/backends/etcd/line.ts'
import type { Hold } from '../../../../src/index.ts'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'

const etcd = useEtcd()

test('a hundred callers of one client are served one at a time, in the order of the calls', async () => {
  const namespace = freshNamespace()
  const client = await etcd.client(namespace)
  const order: number[] = []
  const tokens: bigint[] = []
  let holders = 0
  const work = async (caller: number): Promise<void> => {
    await client.mutex('a').run(async ({ token }) => {
      holders += 1
      expect(holders).toBe(1)
      order.push(caller)
      tokens.push(token)
      await undefined
      holders -= 1
    })
  }

  await Promise.all(Array.from({ length: 100 }, (_, caller) => work(caller)))

  expect(order).toEqual(Array.from({ length: 100 }, (_, caller) => caller))
  expect(tokens).toEqual([...new Set(tokens)].sort((one, other) => (one < other ? -1 : 1)))
  await client.close()
  expect(await etcd.keys(namespace)).toEqual([])
  expect(await etcd.leases()).toEqual([])
})

test('a hundred callers with one signal are all aborted, without a warning', async () => {
  const client = await etcd.client(freshNamespace())
  await client.mutex('a').acquire()
  const abort = new AbortController()
  const asked = Array.from({ length: 100 }, () => client.mutex('a').acquire({ signal: abort.signal }))

  abort.abort(new Error('all of you'))

  expect(await Promise.all(asked.map((acquired) => acquired.catch((error) => error.message)))).toEqual(
    Array(100).fill('all of you'),
  )
})

test('thirty clients hold in the order of their arrival, and all of a hundred callers are served', async () => {
  const namespace = freshNamespace()
  const clients = await Promise.all(
    Array.from({ length: 30 }, () => etcd.client(namespace, { ttlMs: 10_000 })),
  )
  const order: number[] = []
  let last = 0n
  let holders = 0
  const acquire = (place: number): Promise<Hold> => clients[place % 30]?.mutex('a').acquire() as Promise<Hold>
  const work = async (place: number, acquired: Promise<Hold>): Promise<void> => {
    const hold = await acquired
    holders += 1
    expect(holders).toBe(1)
    expect(hold.token).toBeGreaterThan(last)
    last = hold.token
    order.push(place)
    await undefined
    holders -= 1
    await hold.release()
  }
  const first = await clients[0]?.mutex('a').acquire()
  const works: Promise<void>[] = []
  for (let place = 1; place < 30; place += 1) {
    works.push(work(place, acquire(place)))
    await etcd.line(namespace, 'a', place + 1)
  }
  for (let place = 30; place < 100; place += 1) works.push(work(place, acquire(place)))

  await first?.release()
  await Promise.all(works)

  expect(order.slice(0, 29)).toEqual(Array.from({ length: 29 }, (_, i) => i + 1))
  expect(order).toHaveLength(99)
  await Promise.all(clients.map((client) => client.close()))
  expect(await etcd.keys(namespace)).toEqual([])
  expect(await etcd.leases()).toEqual([])
})

test('two clients of one process contend like separate processes, and one goes on when the other closes', async () => {
  const namespace = freshNamespace()
  const [one, other] = [await etcd.client(namespace), await etcd.client(namespace)]
  const hold = await one.mutex('a').acquire()
  const kept = await other.mutex('b').acquire()
  expect(await other.mutex('a').tryAcquire()).toBeUndefined()
  const waiting = other.mutex('a').acquire()
  await etcd.line(namespace, 'a', 2)

  await one.close()

  expect(hold.held).toBe(false)
  await (await waiting).verify()
  await kept.verify()
  await (await other.mutex('c').acquire()).release()
})

test('a closed client refuses every request, and opens no connection again', async () => {
  const namespace = freshNamespace()
  const client = await etcd.client(namespace)
  const hold = await client.mutex('a').acquire()
  await client.close()

  const asked = [
    client.mutex('a').acquire(),
    client.mutex('a').tryAcquire(),
    client.semaphore('b', { permits: 2 }).acquire(),
    client.mutex('a').readCheckpoint(),
    hold.verify(),
    hold.checkpoint('text'),
  ]

  const outcomes = await Promise.allSettled(asked)
  expect(outcomes.map(({ status }) => status)).toEqual(Array(6).fill('rejected'))
})

test('a name with more than 10,000 keys below it is refused, with their number and a key, in a few requests', async () => {
  const namespace = freshNamespace()
  await etcd.putMany(`${namespace}a/old/`, keysMost + 1)
  const client = await etcd.client(namespace)
  const { mutex, semaphore, election } = {
    mutex: client.mutex('a'),
    semaphore: client.semaphore('a', { permits: 2 }),
    election: client.election('a'),
  }
  const refused = {
    name: 'ConflictError',
    message: expect.stringMatching(/^10001 keys are below ".*a\/".*, such as ".*a\/old\/\d+"/),
  }

  await expect(mutex.tryAcquire()).rejects.toMatchObject(refused)
  await expect(mutex.acquire()).rejects.toMatchObject(refused)
  await expect(semaphore.acquire()).rejects.toMatchObject(refused)
  await expect(election.leader()).rejects.toMatchObject(refused)
  await expect(client.line('a')).rejects.toMatchObject(refused)

  expect(await etcd.keys(`${namespace}a/`)).toHaveLength(keysMost + 1)
  expect((await client.mutex('b').acquire()).held).toBe(true)
})

// The requests of each verb, counted on the way to the agent.
import { expect, test } from 'vitest'
import type { Hold, Leasehold } from '../../../../src/index.ts'
import { until } from '../../../../tools/servers/wait.mjs'
import { type Counter, openCounter, requests } from '../../../servers/consul-counter.ts'
import { ConsulLock } from '../../../servers/consul-lock.ts'
import { freshName, lockFlags, useConsul } from '../../../servers/consul-store.ts'

const store = useConsul()
/** Long enough that no renewal, and no watch over a hold, falls into a test. */
const ttlMs = 60_000

async function counted(options: object = {}): Promise<{ client: Leasehold; counter: Counter }> {
  const counter = await openCounter(store.host)
  const client = await store.client({ endpoints: [counter.address], ttlMs, ...options })
  counter.take()
  return { client, counter }
}

test('opening a client is one request, closing it another one', async () => {
  const counter = await openCounter(store.host)
  const client = await store.client({ endpoints: [counter.address], ttlMs })
  expect(counter.take()).toEqual({ create: 1 })
  await client.close()
  expect(counter.take()).toEqual({ destroy: 1 })
})

test('acquire and release of a free mutex are one request each, again and again', async () => {
  const { client, counter } = await counted()
  const mutex = client.mutex(freshName())
  for (const verb of ['acquire', 'tryAcquire'] as const) {
    for (let i = 0; i < 3; i += 1) {
      const hold = await mutex[verb]()
      expect(counter.take(), verb).toEqual({ txn: 1 })
      await hold?.release()
      expect(counter.take(), 'release').toEqual({ txn: 1 })
    }
  }
})

test('a key that Go left costs two requests more, once', async () => {
  const { client, counter } = await counted()
  const name = freshName()
  await store.put(`${name}/.lock`, '', `flags=${lockFlags}`)

  const hold = await client.mutex(name).acquire()
  expect(requests(counter.take())).toBeLessThanOrEqual(3)
  await hold.release()
  counter.take()
  await (await client.mutex(name).acquire()).release()
  expect(counter.take()).toEqual({ txn: 2 })
})

test('acquire and release of a semaphore are two requests each at most', async () => {
  const { client, counter } = await counted()
  const semaphore = client.semaphore(freshName(), { permits: 3 })
  for (const verb of ['acquire', 'tryAcquire'] as const) {
    const hold = await semaphore[verb]()
    expect(requests(counter.take()), verb).toBeLessThanOrEqual(2)
    await hold?.release()
    expect(requests(counter.take()), 'release').toBeLessThanOrEqual(2)
  }
})

test('a second permit in one client makes one session more, which the next one has after its release', async () => {
  const { client, counter } = await counted()
  const semaphore = client.semaphore(freshName(), { permits: 3 })
  const sessions = async () =>
    (await store.sessions()).filter(({ Name }) => Name.startsWith('leasehold')).length
  const first = await semaphore.acquire()
  expect(counter.take()).not.toHaveProperty('create')
  expect(await sessions()).toBe(1)

  const second = await semaphore.acquire()
  expect(counter.take()).toMatchObject({ create: 1 })
  expect(await sessions()).toBe(2)

  await second.release()
  const third = await semaphore.acquire()
  const counts = counter.take()
  expect(counts).not.toHaveProperty('create')
  expect(counts).not.toHaveProperty('destroy')
  await first.verify()
  await first.release()
  await third.release()
  expect(await sessions()).toBe(2)
  await client.close()
  expect(await sessions()).toBe(0)
})

const holders = {
  'that we hold': async (name: string) => {
    const hold = await (await store.client({ ttlMs })).mutex(name).acquire()
    return () => hold.release()
  },
  'that consul lock holds': async (name: string) => {
    const lock = await ConsulLock.start(store.cluster.address, name)
    await lock.held
    return () => lock.release()
  },
  'that others wait for': async (name: string) => {
    const [one, other] = await store.clients(2, { ttlMs })
    const hold = await one?.mutex(name).acquire()
    const waiting = other?.mutex(name).acquire()
    await store.line(name, 1)
    return async () => {
      await hold?.release()
      await (await waiting)?.release()
    }
  },
  'of which we hold all permits': async (name: string) => {
    const client = await store.client({ ttlMs })
    const semaphore = client.semaphore(name, { permits: 2 })
    const holds = [await semaphore.acquire(), await semaphore.acquire()]
    return () => Promise.all(holds.map((hold) => hold.release()))
  },
}

test.for(Object.entries(holders))(
  'trying a lock %s costs two requests, and writes nothing',
  async ([what, hold]) => {
    const { client, counter } = await counted()
    const name = freshName()
    const release = await hold(name)
    const lock = what.includes('permits') ? client.semaphore(name, { permits: 2 }) : client.mutex(name)
    const [keys, index] = [await store.keys(), await store.index()]

    expect(await lock.tryAcquire()).toBeUndefined()

    expect(requests(counter.take())).toBeLessThanOrEqual(2)
    expect(await store.index()).toBe(index)
    expect(await store.keys()).toEqual(keys)
    await release()
  },
)

test('verify and checkpoint are one request each, of a holder and of a reader', async () => {
  const { client, counter } = await counted()
  const locks = [client.mutex(freshName()), client.semaphore(freshName(), { permits: 2 })]
  for (const lock of locks) {
    const hold = await lock.acquire()
    const verbs = {
      verify: () => hold.verify(),
      write: () => hold.checkpoint('text'),
      'write again': () => hold.checkpoint('more'),
      read: () => lock.readCheckpoint(),
    }
    for (const [verb, run] of Object.entries(verbs)) {
      counter.take()
      await run()
      expect(requests(counter.take()), verb).toBe(1)
    }
    await hold.release()
    await store.delete(`${lock.name}/.checkpoint`)
  }
})

test('a hand-over costs the next one a wake and a transaction, and the last one a transaction', async () => {
  const [one, other, third] = [await counted(), await counted(), await counted()]
  const name = freshName()
  const hold = await one.client.mutex(name).acquire()
  const waiting = other.client.mutex(name).acquire()
  await until(async () => other.counter.count('wait') === 1, { describe: () => 'the wait' })
  const last = third.client.mutex(name).acquire()
  await until(async () => third.counter.count('wait') === 1, { describe: () => 'the last wait' })
  for (const { counter } of [other, third]) expect(counter.take()).toEqual({ txn: 2, wait: 1 })
  one.counter.take()

  await hold.release()
  const next = await waiting

  expect(other.counter.take()).toEqual({ txn: 1 }) // its wait was sent before, and answers now
  expect(requests(one.counter.take())).toBeLessThanOrEqual(2)
  expect(third.counter.take()).toEqual({})

  await next.release()
  await (await last).release()
  const counts = third.counter.take()
  expect(requests(counts)).toBeLessThanOrEqual(3) // takes, releases, clears the line away
})

test('an idle holder sends its renewals, now and then what verifies, and reads that wait', async () => {
  const { client, counter } = await counted({ ttlMs: 10_000 })
  const names = [freshName(), freshName()] as const
  const holds = [
    await client.mutex(names[0]).acquire(),
    await client.semaphore(names[1], { permits: 2 }).acquire(),
  ]
  counter.take()

  // As long as a renewal takes to come, and again.
  await until(async () => counter.count('renew') === 2, { describe: () => 'two renewals' })

  const { renew = 0, info = 0, read = 0, txn = 0, wait = 0, ...others } = counter.take()
  expect(others).toEqual({})
  expect(renew).toBe(2)
  expect(info).toBe(2) // one with each renewal, which alone proves nothing
  expect(wait).toBeLessThanOrEqual(2 * 5) // of each hold, and longer with time
  expect(read + txn).toBeLessThanOrEqual(2 * 3)
  for (const hold of holds) await hold.release()
})

test('one renewal serves all holds of a client, and each further permit of a semaphore takes one more', async () => {
  const { client, counter } = await counted({ ttlMs: 10_000 })
  const semaphore = client.semaphore(freshName(), { permits: 3 })
  const holds: Hold[] = [await semaphore.acquire(), await semaphore.acquire()]
  for (let i = 0; i < 5; i += 1) holds.push(await client.mutex(freshName()).acquire())
  counter.take()

  await until(async () => counter.count('renew') > 0, { describe: () => 'a renewal' })
  await new Promise((resolve) => setTimeout(resolve, 300)) // no more of them may come

  expect(counter.count('renew')).toBe(2)
  for (const hold of holds) await hold.release()
})

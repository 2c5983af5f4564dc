// Many at once, with the agent's own limits: a hundred clients for one lock, five hundred locks of one client.
import { expect, test } from 'vitest'
import type { Hold, Leasehold } from '../../../../src/index.ts'
import { until } from '../../../../tools/servers/wait.mjs'
import { openCounter, requests } from '../../../servers/consul-counter.ts'
import { ConsulLock } from '../../../servers/consul-lock.ts'
import { freshName, useConsul } from '../../../servers/consul-store.ts'
import { growing, Room, seeded } from '../../../servers/crowd.ts'
import { openLink } from '../../../servers/link.ts'

const store = useConsul()

/** The limit of an agent for one address, unless it is told otherwise. */
const connectionsMax = 200

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('a hundred clients hold one at a time, in the order of coming, at eight requests each at most', async () => {
  const counter = await openCounter(store.host)
  const clients = await store.clients(100, { endpoints: [counter.address], ttlMs: 60_000 })
  counter.take()

  const name = freshName()
  const atOnce = new Room()
  await Promise.all(
    clients.map(async (client, place) => atOnce.visit(await client.mutex(name).acquire(), place)),
  )
  const counts = counter.take()
  expect(atOnce.most).toBe(1)
  expect(atOnce.tokens).toHaveLength(100)
  expect(atOnce.tokens).toEqual(growing(atOnce.tokens))
  // A herd takes 88, a quiet machine 5.4. On a busy one an admission that was long on its way is asked about once more.
  expect(requests(counts) / 100).toBeLessThanOrEqual(8)

  const inTurn = new Room()
  const other = freshName()
  const first = (await clients[0]?.mutex(other).acquire()) as Hold
  const works: Promise<void>[] = []
  for (const [place, client] of clients.entries()) {
    if (place === 0) continue
    const standing = new Promise((resolve) => {
      const hold = client.mutex(other).acquire({ onWait: resolve })
      works.push(hold.then((held) => inTurn.visit(held, place)))
    })
    await standing
  }
  await inTurn.visit(first, 0)
  await Promise.all(works)
  expect(inTurn.order).toEqual(Array.from({ length: 100 }, (_, place) => place))
  expect(inTurn.tokens).toEqual(growing(inTurn.tokens))
  const ordered = counter.take()
  expect(requests(ordered) / 100).toBeLessThanOrEqual(8)
})

test('twenty clients share three permits, and none has one while a claim that came before still waits', async () => {
  const name = freshName()
  const clients = await store.clients(20)
  const room = new Room()
  const works: Promise<void>[] = []
  let open = (): void => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  /** The tickets of those that wait, in the order of coming. */
  const tickets: string[] = []
  const lineNow = async () => (await store.keys(`${name}/.line/`)).map(({ key }) => key)
  for (const [place, client] of clients.entries()) {
    const stay = (): Promise<unknown> => (place < 3 ? gate : pause(5))
    const arrive = async (hold: Hold): Promise<void> => {
      const ahead = tickets.slice(0, Math.max(0, place - 3))
      expect((await lineNow()).filter((key) => ahead.includes(key))).toEqual([])
      await room.visit(hold, place, stay)
    }
    works.push(client.semaphore(name, { permits: 3 }).acquire().then(arrive))
    if (place < 3) await store.contenders(name, place + 1)
    else await store.line(name, place - 2)
    tickets.push(...(await lineNow()).filter((key) => !tickets.includes(key)))
  }
  open()
  await Promise.all(works)

  expect(room.most).toBe(3)
  // Claims that are put on the list together begin at nearly the same moment, in any order.
  expect(new Set(room.order).size).toBe(20)
  expect(new Set(room.tokens).size).toBe(20)

  const crowd = new Room()
  await Promise.all(
    clients.map(async (client, place) => {
      for (let i = 0; i < 3; i += 1) {
        await crowd.visit(await client.semaphore(name, { permits: 3 }).acquire(), place, () => pause(30))
      }
    }),
  )
  expect(crowd.most).toBe(3)
  expect(crowd.order).toHaveLength(60)
})

test('contenders that give up at random leave nothing, and keep nobody from the lock', async () => {
  const names = [freshName(), freshName()] as const
  const clients = await store.clients(10)
  const served = 20
  const random = seeded(42)
  const gaveUp = new Error('gave up')
  const rooms = [new Room(), new Room()] as const
  let most = 0
  let givenUp = 0
  // On a busy machine most claims are given up before their turn, so all go on until each lock has served many.
  const goesOn = () => givenUp < 5 * served || rooms.some(({ order }) => order.length < served)
  const work = async (client: Leasehold): Promise<void> => {
    while (goesOn()) {
      const which = random() < 0.5 ? 0 : 1
      const lock = which === 0 ? client.mutex(names[0]) : client.semaphore(names[1], { permits: 3 })
      const abort = new AbortController()
      const cancel = setTimeout(() => abort.abort(gaveUp), random() * 300)
      try {
        const hold = await lock.acquire({ signal: abort.signal })
        await rooms[which].visit(hold, 0, () => pause(random() * 5))
      } catch (error) {
        expect(error).toBe(gaveUp)
        givenUp += 1
      } finally {
        clearTimeout(cancel)
      }
    }
  }

  const sampled = setInterval(async () => {
    most = Math.max(most, await store.connections())
  }, 100)
  try {
    await Promise.all(clients.map(work))
  } finally {
    clearInterval(sampled)
  }
  expect(rooms[0].most).toBe(1)
  expect(rooms[1].most).toBeLessThanOrEqual(3)
  expect(most).toBeLessThanOrEqual(connectionsMax)
  // The marker of a withdrawn claim, for attempts that may still arrive, stays until the client closes.
  const left = async () => (await store.keys('test/')).filter(({ key }) => !key.includes('/.withdrawn/'))
  const emptied = async () => (await left()).length === 0
  await until(emptied, { describe: () => 'that nothing is left' })
})

test('a client that closes while it waits leaves nothing behind', async () => {
  const name = freshName()
  const [holder, ...waiters] = (await store.clients(4)) as [Leasehold, ...Leasehold[]]
  const [first, second, third] = waiters as [Leasehold, Leasehold, Leasehold]
  const holds = [
    await holder.mutex(`${name}/mutex`).acquire(),
    await holder.semaphore(`${name}/semaphore`, { permits: 2 }).acquire(),
    await holder.semaphore(`${name}/semaphore`, { permits: 2 }).acquire(),
  ]
  const asked = [first, second, third].flatMap((client) => [
    client.mutex(`${name}/mutex`).acquire(),
    client.semaphore(`${name}/semaphore`, { permits: 2 }).acquire(),
  ])
  for (const ask of asked) ask.catch(() => {})
  await store.line(`${name}/mutex`, 3)
  await store.line(`${name}/semaphore`, 3)

  for (const client of waiters) await client.close()
  expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(Array(6).fill('rejected'))
  for (const hold of holds) await hold.release()

  expect(await store.keys(name)).toEqual([])
})

test('clients that close while they wait for consul lock leave nothing behind', async () => {
  const name = freshName()
  const theirs = await ConsulLock.start(store.cluster.address, name)
  await theirs.held
  const clients = await store.clients(2)
  for (const [place, client] of clients.entries()) {
    const asked = client.mutex(name).acquire()
    asked.catch(() => {})
    await store.line(name, place + 1)
  }

  for (const client of clients) await client.close()
  expect(await theirs.release()).toBe(0)

  expect((await store.keys(name)).map(({ key }) => key)).toEqual([])
})

test('sixty locks that are held and idle take few connections, as long as they are held', async () => {
  const client = await store.client()
  const holds = await Promise.all(Array.from({ length: 60 }, () => client.mutex(freshName()).acquire()))
  let most = 0
  const began = performance.now()
  // The agent keeps an aborted read for 15 s.
  while (performance.now() - began < 8_000) {
    most = Math.max(most, await store.connections())
    await pause(100)
  }

  expect(most).toBeLessThanOrEqual(100)
  await Promise.all(holds.map((hold) => hold.release()))
})

test('a hundred and fifty waits that are given up in a row do not exhaust the connections of the agent', async () => {
  const name = freshName()
  const counter = await openCounter(store.host)
  const holder = await store.client({ ttlMs: 60_000 })
  const waiter = await store.client({ ttlMs: 60_000, endpoints: [counter.address] })
  const hold = await holder.mutex(name).acquire()
  let most = 0
  for (let i = 0; i < 150; i += 1) {
    const abort = new AbortController()
    const asked = waiter.mutex(name).acquire({ signal: abort.signal })
    asked.catch(() => {})
    await until(async () => counter.count('wait') > 0, { describe: () => `wait ${i}`, everyMs: 1 })
    counter.take()
    abort.abort(new Error('gave up'))
    await expect(asked).rejects.toThrow('gave up')
    if (i % 10 === 9) most = Math.max(most, await store.connections())
  }

  expect(most).toBeLessThan(connectionsMax / 2)
  const theirs = await ConsulLock.start(store.cluster.address, name)
  await hold.release()
  await theirs.held
  await theirs.release()
})

test('an acquire that is aborted while its session is made leaves no session behind', async () => {
  const link = await openLink(store.host)
  const client = await store.client({ endpoints: [link.address] })
  const semaphore = client.semaphore(freshName(), { permits: 2 })
  const hold = await semaphore.acquire()
  const sessions = async () =>
    (await store.sessions()).filter(({ Name }) => Name.startsWith('leasehold')).length
  const abort = new AbortController()

  const asked = semaphore.acquire({ signal: abort.signal })
  // Let the first request through, which reads who holds, and keep the answer to the second one.
  await until(
    async () => {
      if (link.holds('up', 'session/create')) return true
      link.pass('up')
      link.hold('up')
      return false
    },
    { describe: () => 'the request for a session', everyMs: 1 },
  )
  link.hold('down')
  link.pass('up')
  await until(async () => (await sessions()) === 2, { describe: () => 'the session' })
  abort.abort(new Error('gave up'))
  await expect(asked).rejects.toThrow('gave up')
  link.pass()

  await until(async () => (await sessions()) === 1, { describe: () => 'its end', deadlineMs: 5_000 })
  await hold.release()
})

test('five hundred waits of one client are all served, within the connections that an agent takes', async () => {
  const ttlMs = 10_000
  const [holder, waiter] = (await store.clients(2, { ttlMs })) as [Leasehold, Leasehold]
  const names = Array.from({ length: 500 }, () => freshName())
  const holds = await Promise.all(names.map((name) => holder.mutex(name).acquire()))
  const kept = await waiter.mutex(freshName()).acquire()
  const waiting = names.map((name) => waiter.mutex(name).acquire())
  const lined = async () =>
    (await store.keys('test/')).filter(({ key }) => key.includes('/.line/')).length === 500
  await until(lined, { describe: () => 'five hundred tickets' })
  let most = 0
  const began = performance.now()
  while (performance.now() - began < ttlMs / 3 + 1_000) {
    // a renewal falls into it, of both
    most = Math.max(most, await store.connections())
    await pause(50)
  }
  expect(most).toBeLessThanOrEqual(connectionsMax)
  for (const hold of holds) expect(hold.held).toBe(true)
  await Promise.all(holds.map((hold) => hold.release()))
  const next = await Promise.all(waiting)

  expect(kept.held).toBe(true)
  for (const hold of next) expect(hold.held).toBe(true)
  await Promise.all([...next, kept].map((hold) => hold.release()))
}, 60_000)

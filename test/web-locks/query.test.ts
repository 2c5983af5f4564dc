// `query` of the Web Locks API in memory: which locks and requests of which client it shows, and in which order.
import { expect, test } from 'vitest'
import { webLocks } from '../../src/web-locks/index.ts'
import { ask, states, twoClients } from './scene.ts'

test('without locks both lists are empty', async () => {
  const { one } = await twoClients()
  expect(await one.query()).toEqual({ held: [], pending: [] })
  await one.request('a', () => {})
  expect(await one.query()).toEqual({ held: [], pending: [] })
})

test('it shows the name, mode and client of each lock and request, the same to all clients', async () => {
  const { one, other, oneClient, otherClient } = await twoClients()
  const works = [ask(one, 'a'), ask(other, 'b', 'shared'), ask(other, 'b', 'shared')]
  await Promise.all(works.map(({ begun }) => begun))
  const waiting = [ask(other, 'a', 'shared'), ask(one, 'b')]
  await states(...waiting)
  const [first, second] = [oneClient.session, otherClient.session]
  expect(first).not.toBe(second)
  const snapshot = await one.query()
  expect(snapshot).toEqual({
    held: [
      { name: 'a', mode: 'exclusive', clientId: first },
      { name: 'b', mode: 'shared', clientId: second },
      { name: 'b', mode: 'shared', clientId: second },
    ],
    pending: [
      { name: 'a', mode: 'shared', clientId: second },
      { name: 'b', mode: 'exclusive', clientId: first },
    ],
  })
  expect(await other.query()).toEqual(snapshot)
  await Promise.all(works.map((work) => work.end()))
  await Promise.all(waiting.map((work) => work.end()))
})

test('requests of its own client that wait in the process are in it, in their order', async () => {
  const { one, other, oneClient } = await twoClients()
  const held = ask(other, 'a')
  await held.begun
  const modes = ['shared', 'exclusive', 'shared', 'exclusive'] as const
  const waiting = modes.map((mode) => ask(one, 'a', mode))
  const clientId = oneClient.session
  const expected = modes.map((mode) => ({ name: 'a', mode, clientId }))
  expect((await one.query()).pending).toEqual(expected) // also before the first has stood in line
  await states(...waiting)
  expect((await one.query()).pending).toEqual(expected)
  expect((await other.query()).pending).toEqual(expected.slice(0, 1)) // as the store shows it
  await held.end()
  await waiting[0]?.begun
  const snapshot = await one.query()
  expect([snapshot.held, snapshot.pending]).toEqual([expected.slice(0, 1), expected.slice(1)])
  for (const work of waiting) {
    await work.begun
    await work.end()
  }
  expect(await one.query()).toEqual({ held: [], pending: [] })
})

test('a request with ifAvailable is never pending, and a request that gave up is not any more', async () => {
  const { one, other } = await twoClients()
  const held = ask(other, 'a')
  await held.begun
  const controller = new AbortController()
  const gaveUp = ask(one, 'a', { signal: controller.signal })
  expect((await one.query()).pending).toHaveLength(1)
  controller.abort()
  await gaveUp.done.catch(() => {})
  const inside = (): Promise<unknown> => one.query()
  expect(await one.request('a', { ifAvailable: true }, inside)).toMatchObject({ pending: [] })
  await held.end()
})

test('it shows no other locks, and with a prefix only names with this prefix, without it', async () => {
  const { one, oneClient } = await twoClients()
  await using _mutex = await oneClient.mutex('mutex').acquire()
  await using _permit = await oneClient.semaphore('semaphore', { permits: 2 }).acquire()
  const apart = webLocks(oneClient, { prefix: 'web/' })
  await one.request('a', () =>
    apart.request('b', async () => {
      expect((await apart.query()).held.map(({ name }) => name)).toEqual(['b'])
      expect((await one.query()).held.map(({ name }) => name)).toEqual(['a', 'web/b'])
    }),
  )
})

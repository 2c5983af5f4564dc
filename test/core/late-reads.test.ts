// The errors of callers whose time is over at the same moment, as one client asks for them.
import { expect, test } from 'vitest'
import { WaitTimeoutError } from '../../src/index.ts'
import { twoClients } from './clients.ts'
import { settle } from './manual-clock.ts'

test('three hundred callers whose time is over together cost one question, and each error names the holder', async () => {
  const { clock, store, one, other } = await twoClients(12_000)
  const hold = await one.mutex('a').acquire()
  const late = Array.from({ length: 300 }, () => other.mutex('a').acquire({ waitMs: 100 }))
  const errors = Promise.allSettled(late)
  await settle()
  await clock.advance(100)
  for (const error of await errors) {
    expect(error).toMatchObject({ reason: expect.any(WaitTimeoutError) })
    expect(error).toMatchObject({ reason: { message: expect.stringContaining(`(pid ${process.pid})`) } })
  }
  expect(store.count('line')).toBe(1)
  await hold.release()
})

test('callers whose time is over for different names each get the holder of their own', async () => {
  const { clock, store, one, other } = await twoClients(12_000)
  await one.election('a').campaign({ value: 'ann' })
  await one.election('b').campaign({ value: 'bob' })
  const late = ['a', 'b', 'a'].map((name) => other.mutex(name).acquire({ waitMs: 100 }))
  const errors = Promise.allSettled(late)
  await settle()
  await clock.advance(100)
  const messages = (await errors).map((each) => String((each as PromiseRejectedResult).reason.message))
  expect(messages.map((message) => /held by (\w+)/.exec(message)?.[1])).toEqual(['ann', 'bob', 'ann'])
  expect(store.count('line')).toBe(2)
})

test('a store that is silent delays the error by half a second, and the next error asks anew', async () => {
  const { clock, store, one, other } = await twoClients(12_000)
  await one.election('a').campaign({ value: 'ann' })
  store.faults.set('line', 'hang')
  const late = (): Promise<Error> =>
    other
      .mutex('a')
      .acquire({ waitMs: 100 })
      .catch((error) => error)
  const first = late()
  await settle()
  await clock.advance(600)
  expect((await first).message).not.toContain('held by')
  store.faults.clear()
  const second = late()
  await settle()
  await clock.advance(100)
  expect((await second).message).toContain('held by ann')
})

test('an error that comes a second later asks anew, and names the holder of that time', async () => {
  const { clock, store, one, other } = await twoClients(12_000)
  const late = (): Promise<Error> =>
    other
      .mutex('a')
      .acquire({ waitMs: 100 })
      .catch((error) => error)
  const messageAfter = async (): Promise<string> => {
    const asked = late()
    await settle()
    await clock.advance(100)
    return (await asked).message
  }
  const first = await one.election('a').campaign({ value: 'ann' })
  expect(await messageAfter()).toContain('held by ann')
  await first.resign()
  await one.election('a').campaign({ value: 'bob' })
  await clock.advance(1_000)
  expect(await messageAfter()).toContain('held by bob')
  expect(store.count('line')).toBe(2)
})

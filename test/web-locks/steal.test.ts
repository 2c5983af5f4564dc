// `steal` of the Web Locks API in memory: who loses the lock, who goes on waiting, and in which order.
import { describe, expect, test } from 'vitest'
import { memory } from '../../src/backends/memory/index.ts'
import { HoldLostError } from '../../src/index.ts'
import { ask, failure, open, states, twoClients, type Work } from './scene.ts'

/** The error of a request whose lock was taken. */
async function robbed(work: Work): Promise<DOMException & { readonly cause?: unknown }> {
  const error = await failure(work)
  expect(error.name).toBe('AbortError')
  return error
}

test('a free lock can be stolen, and is held like any other', async () => {
  const { one, other } = await twoClients()
  const thief = ask(one, 'a', { steal: true })
  expect(await thief.begun).toMatchObject({ name: 'a', mode: 'exclusive' })
  const next = ask(other, 'a', 'shared')
  expect(await states(thief, next)).toEqual(['works', 'waits'])
  await thief.end()
  await next.begun
  await next.end()
})

describe.each(['the same client', 'another client'])('from %s', (whose) => {
  const pair = async () => {
    const { one, other } = await twoClients()
    return { one, other: whose === 'the same client' ? one : other }
  }

  test.each(['exclusive', 'shared'] as const)(
    'stealing rejects the request of each %s holder at once, and tells its work',
    async (mode) => {
      const { one, other } = await pair()
      const holders = mode === 'shared' ? [ask(one, 'a', mode), ask(one, 'a', mode)] : [ask(one, 'a')]
      const locks = await Promise.all(holders.map(({ begun }) => begun))
      const elsewhere = ask(one, 'b')
      await elsewhere.begun
      const thief = ask(other, 'a', { steal: true })
      const lock = await thief.begun
      for (const holder of holders) expect((await robbed(holder)).message).toMatch(/stolen|lost/)
      expect(locks.map((each) => each?.signal.aborted)).toEqual(holders.map(() => true))
      expect(lock?.token).toBeGreaterThan(locks[0]?.token ?? 0n)
      expect(await states(thief, elsewhere)).toEqual(['works', 'works'])
      await thief.end()
      await elsewhere.end()
    },
  )

  test('work that goes on after its lock was stolen does not change the request, nor free the lock', async () => {
    const { one, other } = await pair()
    const holder = ask(one, 'a')
    await holder.begun
    const thief = ask(other, 'a', { steal: true })
    await thief.begun
    const error = await robbed(holder)
    await expect(holder.end('result')).rejects.toBe(error)
    const next = ask(one, 'a')
    expect(await states(thief, next)).toEqual(['works', 'waits'])
    await thief.end()
    await next.begun
    await next.end()
  })

  test('a lock that was stolen can be stolen again', async () => {
    const { one, other } = await pair()
    const thieves = [ask(one, 'a', { steal: true })]
    await thieves[0]?.begun
    for (const locks of [other, one, other]) {
      const thief = ask(locks, 'a', { steal: true })
      await thief.begun
      await robbed(thieves.at(-1) as Work)
      thieves.push(thief)
    }
    await thieves.at(-1)?.end()
    expect(await one.query()).toEqual({ held: [], pending: [] })
  })
})

test('requests of the same client that wait go on waiting, behind the thief and in their order', async () => {
  const { one } = await twoClients()
  const holder = ask(one, 'a')
  await holder.begun
  const waiting = [ask(one, 'a', 'shared'), ask(one, 'a'), ask(one, 'a', 'shared')] as const
  expect(await states(...waiting)).toEqual(['waits', 'waits', 'waits'])
  const thief = ask(one, 'a', { steal: true })
  await thief.begun
  await robbed(holder)
  expect(await states(...waiting)).toEqual(['waits', 'waits', 'waits'])
  await thief.end()
  for (const next of waiting) {
    await next.begun
    expect((await states(...waiting)).filter((state) => state === 'works')).toEqual(['works'])
    await next.end()
  }
})

test('a request of the same client that steps back for a thief can still be aborted', async () => {
  const { one, other } = await twoClients()
  const holder = ask(other, 'a')
  await holder.begun
  const controller = new AbortController()
  const waiting = ask(one, 'a', { signal: controller.signal })
  await states(waiting)
  const thief = ask(one, 'a', { steal: true })
  await thief.begun
  controller.abort('enough')
  expect(await waiting.done.catch((error) => error)).toBe('enough')
  await thief.end()
  await robbed(holder)
})

test('a request of another client that waits before the thief may get the lock for a moment, and loses it', async () => {
  const source = memory()
  const { one, other } = await twoClients(source)
  const [third] = await open(source)
  const holder = ask(one, 'a')
  await holder.begun
  const waiting = ask(third, 'a', 'shared')
  await states(waiting)
  const thief = ask(other, 'a', { steal: true })
  await thief.begun
  const error = await robbed(holder)
  expect(error.cause).toBeInstanceOf(HoldLostError)
  await robbed(waiting)
  expect(await other.query()).toMatchObject({ held: [{ name: 'a', mode: 'exclusive' }], pending: [] })
  await thief.end()
})

test('holders that are no web locks lose the lock as well: readers and writers of `rwlock`', async () => {
  const { one, oneClient, otherClient } = await twoClients()
  for (const client of [oneClient, otherClient]) {
    const { read, write } = client.rwlock('a')
    for (const lock of [read, write]) {
      const hold = await lock.acquire()
      const thief = ask(one, 'a', { steal: true })
      await thief.begun
      await thief.end()
      await expect(hold.verify()).rejects.toThrow(HoldLostError)
    }
  }
})

// Admissions that arrive late. An operator may have broken the lock meanwhile; then the caller must not get it. Owns
// when the store is asked once more, and what the caller gets then.
import { expect, test } from 'vitest'
import type { Backend, Claim } from '../../src/contract.ts'
import { UnavailableError } from '../../src/index.ts'
import { type TwoClients, twoClients } from './clients.ts'
import { settle } from './manual-clock.ts'

const ttlMs = 9_000
/** A thirtieth of the time to live: a younger admission is believed. */
const believedMs = 300
const never = new AbortController().signal

const scene = (): Promise<TwoClients> => twoClients(ttlMs)

/** Breaks the lock of its present holder within one turn of the event loop. */
async function breakLock(truth: Backend): Promise<void> {
  const [holder] = await truth.line('a', never)
  expect(await truth.break('a', holder?.token ?? 0n, never)).toBe(true)
}

test('a fast admission is handed over without another request', async () => {
  const { clock, store, one } = await scene()
  store.lateMs.set('attempt', believedMs)
  const acquiring = one.mutex('a').acquire()
  await clock.advance(believedMs)
  expect((await acquiring).held).toBe(true)
  expect(store.count('attempt') + store.count('verify')).toBe(1)
})

test('a late admission is confirmed by one more request, and then handed over', async () => {
  const { clock, store, one, truth } = await scene()
  store.lateMs.set('attempt', believedMs + 1)
  const acquiring = one.mutex('a').acquire()
  await clock.advance(believedMs)
  expect(store.count('attempt')).toBe(1)
  store.lateMs.clear()
  await clock.advance(1)
  expect((await acquiring).held).toBe(true)
  expect(store.count('attempt')).toBe(2)
  expect(await truth.line('a', never)).toHaveLength(1)
})

test('on a slow network the third answer is believed, so that a lock can still be acquired', async () => {
  const { clock, store, one } = await scene()
  store.lateMs.set('attempt', 2_000)
  const acquiring = one.mutex('a').acquire()
  await clock.advance(4_000)
  expect(store.count('attempt')).toBe(3)
  await clock.advance(2_000)
  expect((await acquiring).held).toBe(true)
  expect(store.count('attempt')).toBe(3)
})

test('a lock that was broken before its late admission arrives is not handed over: the caller stands in line again', async () => {
  const { clock, store, one, other, truth } = await scene()
  store.lateMs.set('attempt', 1_000)
  let given = false
  const acquiring = one
    .mutex('a')
    .acquire()
    .finally(() => (given = true))
  const behind = one.mutex('a').acquire()
  await settle()
  await breakLock(truth)
  store.lateMs.clear()
  const between = await other.mutex('a').acquire()
  await clock.advance(3 * ttlMs)
  expect(given).toBe(false)
  expect((await truth.line('a', never)).map(({ held }) => held)).toEqual([true, false])
  await between.release()
  await clock.advance(1)
  const hold = await acquiring
  expect(hold.held).toBe(true)
  expect(hold.token).toBeGreaterThan(between.token)
  await hold.release()
  expect((await behind).token).toBeGreaterThan(hold.token)
})

test('tryAcquire does not hand over a lock that was broken before its late admission arrives', async () => {
  const { clock, store, one, other, truth } = await scene()
  store.lateMs.set('attempt', 1_000)
  const trying = one.mutex('a').tryAcquire()
  await settle()
  await breakLock(truth)
  store.lateMs.clear()
  const between = await other.mutex('a').acquire()
  await clock.advance(1_000)
  expect(await trying).toBeUndefined()
  expect(await truth.line('a', never)).toHaveLength(1)
  await between.release()
})

test('a late admission that the store does not confirm is not handed over, and the error reports an outage', async () => {
  const { clock, store, one, truth } = await scene()
  store.lateMs.set('attempt', 1_000)
  const refused = expect(one.mutex('a').acquire({ waitMs: 4_000 })).rejects.toThrow(UnavailableError)
  await settle()
  store.faults.set('attempt', 'hang')
  await clock.advance(4_000)
  await refused
  store.faults.clear()
  await clock.advance(ttlMs)
  expect(await truth.line('a', never)).toEqual([])
})

test('a confirmation does not count if it arrives after this process was stopped for longer than a request may take', async () => {
  const { clock, store, one, truth } = await scene()
  store.lateMs.set('attempt', 1_000)
  const acquiring = one.mutex('a').acquire()
  await clock.advance(2_500) // the second confirmation is on its way
  expect(store.count('attempt')).toBe(3)
  await breakLock(truth)
  store.lateMs.clear()
  clock.block(4_000)
  await clock.advance(500)
  const hold = await acquiring
  await hold.verify()
  expect(store.count('attempt')).toBe(4)
})

test.each([
  ['soon', believedMs, 1],
  ['late', believedMs + 1, 2],
] as const)(
  'an event that comes %s admits a waiter, at the cost of %s ms and %i attempts',
  async (_, waitedMs, attempts) => {
    const { clock, store, one, other } = await scene()
    const hold = await one.mutex('a').acquire()
    const waiting = other.mutex('a').acquire()
    await settle()
    store.asked.length = 0
    await clock.advance(waitedMs)
    await hold.release()
    expect((await waiting).held).toBe(true)
    expect(store.count('attempt')).toBe(attempts - 1)
  },
)

test('a stopped process does not get a lock that was handed over to it and broken meanwhile', async () => {
  const { clock, store, one, other, truth } = await scene()
  await one.mutex('a').acquire()
  const waiting = other.mutex('a').acquire()
  await settle()
  const [standing] = await truth.line('a', never)
  clock.block(1_000)
  // The release, its event, and the break, all before the process sees any of them.
  const holder: Claim = {
    ...{ id: '1', name: 'a', session: standing?.session ?? '' },
    ...{ permits: 1, weight: 1, value: '', wait: true, candidate: false },
  }
  void truth.withdraw(holder, never)
  void breakLock(truth)
  const asked = store.count('attempt')
  const hold = await waiting
  expect(store.count('attempt')).toBe(asked + 1)
  await hold.verify()
  expect(await truth.line('a', never)).toHaveLength(1)
})

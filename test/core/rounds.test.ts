// When the holds of one client are looked after: they share two timers. On a manual clock, over a store whose watches are silent
// unless a test says otherwise, so that only these looks show that a lock was broken.
import { expect, test } from 'vitest'
import { connect, type Hold, HoldLostError, type Leasehold } from '../../src/index.ts'
import { FaultyStore } from './faulty.ts'
import { ManualClock } from './manual-clock.ts'

const ttlMs = 12_000
const thirdMs = ttlMs / 3
/** A hold that lasts longer is looked after. */
const shortMs = ttlMs / 10

interface Scene {
  readonly clock: ManualClock
  readonly store: FaultyStore
  readonly client: Leasehold
  /** Takes a name. */
  take(name: string): Promise<Hold>
  /** Breaks a hold as an operator does. */
  break(name: string, hold: Hold): Promise<unknown>
}

async function scene(watches: FaultyStore['watches'] = 'hang'): Promise<Scene> {
  const [clock, store] = [new ManualClock(), new FaultyStore()]
  store.watches = watches
  const client = await connect(store.source, { clock, ttlMs })
  const operator = await connect(store.source, { clock, ttlMs })
  return {
    ...{ clock, store, client },
    take: (name) => client.mutex(name).acquire(),
    break: (name, { token }) => operator.break(name, token),
  }
}

test.each([0, 1, 10])(
  'a hold that has lasted for %i times to live learns that it is broken within a third of the next one',
  async (times) => {
    const { clock, take, break: broken } = await scene()
    const hold = await take('a')
    await clock.advance(shortMs + times * ttlMs)
    expect(hold.held).toBe(true)
    await broken('a', hold)
    await clock.advance(thirdMs)
    expect(hold.held).toBe(false)
    expect(() => hold.assertHeld()).toThrow(HoldLostError)
  },
)

test.each([1, shortMs / 2, shortMs - 1, shortMs, thirdMs, 2 * ttlMs])(
  'a hold that begins %i ms after another one learns that it is broken as soon as that one would',
  async (afterMs) => {
    const { clock, take, break: broken } = await scene()
    await take('a')
    await clock.advance(afterMs)
    const later = await take('b')
    await broken('b', later)
    await clock.advance(shortMs)
    expect(later.held).toBe(false)
  },
)

test.each([1, shortMs / 2, shortMs, thirdMs, 2 * ttlMs])(
  'when a hold ends after %i ms, the others of its client are looked after as before',
  async (afterMs) => {
    const { clock, take, break: broken } = await scene()
    const [first, ...others] = [await take('a'), await take('b'), await take('c')]
    await clock.advance(afterMs)
    await first?.release()
    await clock.advance(ttlMs)
    for (const [index, hold] of others.entries()) await broken(['b', 'c'][index] ?? '', hold)
    await clock.advance(thirdMs)
    expect(others.map(({ held }) => held)).toEqual([false, false])
  },
)

test('a hold that ends before a tenth of its time to live costs no question, and a client at rest has no timer for holds', async () => {
  const { clock, store, take } = await scene()
  const { timers } = clock
  for (let turn = 0; turn < 10; turn += 1) {
    const hold = await take('a')
    await clock.advance(shortMs / 2)
    await hold.release()
  }
  await clock.advance(ttlMs)
  expect([store.count('verify'), clock.timers]).toEqual([0, timers])
})

test('an event that comes while the store is asked leads to another question, since that answer may be older', async () => {
  const { clock, store, take, break: broken } = await scene('work')
  const hold = await take('a')
  store.lateMs.set('verify', 2_000)
  await clock.advance(shortMs + 500) // the first question is under way, and its answer will be that the claim stands
  await broken('a', hold)
  await clock.advance(1_600)
  expect([hold.held, store.count('verify')]).toEqual([true, 2])
  await clock.advance(2_000)
  expect(hold.held).toBe(false)
})

test('a watch that ended is begun again, so that a broken lock is told at once', async () => {
  const { clock, store, take, break: broken } = await scene('fail')
  const hold = await take('a')
  await clock.advance(shortMs)
  store.watches = 'work'
  await clock.advance(shortMs)
  await broken('a', hold)
  await clock.advance(0)
  expect(hold.held).toBe(false)
})

test('a store that does not answer about a claim is asked again, and the hold stays held until its deadline', async () => {
  const { clock, store, take, break: broken } = await scene()
  const hold = await take('a')
  store.faults.set('verify', 'hang')
  await clock.advance(shortMs + ttlMs)
  expect(hold.held).toBe(true) // its session is renewed
  store.faults.clear()
  await broken('a', hold)
  await clock.advance(thirdMs)
  expect(hold.held).toBe(false)
})

test('a client that is closed with holds of every age leaves no timer', async () => {
  const { clock, store, client, take } = await scene()
  const other = await connect(store.source, { clock, ttlMs })
  await other.close()
  const before = clock.timers
  for (const name of ['a', 'b', 'c']) {
    await take(name)
    await clock.advance(shortMs)
  }
  await client.close()
  expect(clock.timers).toBeLessThan(before)
})

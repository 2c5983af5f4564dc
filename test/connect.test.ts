// The properties of a client.
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../src/index.ts'
import { FaultyStore } from './core/faulty.ts'
import { ManualClock } from './core/manual-clock.ts'

test.each([
  ['as asked', { ttlMs: 4_321 }, 4_321],
  ['that of the store where nobody asks', {}, 15_000],
])('a client shows the time to live of its session: %s', async (_, options, ttlMs) => {
  const client = await connect('memory:', options)
  onTestFinished(() => client.close())

  expect(client.ttlMs).toBe(ttlMs)
})

test('a client has a session while its store confirms it, and a new one once the store is back', async () => {
  const clock = new ManualClock()
  const store = new FaultyStore()
  const client = await connect(store.source, { clock, ttlMs: 10_000 })
  const first = client.session
  expect(first).toMatch(/./)
  await clock.advance(20_000)
  expect(client.session, 'renewals go on').toBe(first)

  store.breakAll('refuse')
  await clock.advance(5_000)
  expect(client.session, 'the deadline is not over').toBe(first)
  await clock.advance(5_000)
  expect(client.session).toBeUndefined()

  for (const method of [...store.faults.keys()]) store.faults.delete(method)
  const acquiring = client.mutex('a').acquire()
  await clock.advance(5_000)
  await acquiring
  expect(client.session).not.toBe(first)
  const closing = client.close()
  await clock.advance(5_000)
  await closing
  expect(client.session).toBeUndefined()
})

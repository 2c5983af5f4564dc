// The properties of a client.
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../src/index.ts'

test.each([
  ['as asked', { ttlMs: 4_321 }, 4_321],
  ['that of the store where nobody asks', {}, 15_000],
])('a client shows the time to live of its session: %s', async (_, options, ttlMs) => {
  const client = await connect('memory:', options)
  onTestFinished(() => client.close())

  expect(client.ttlMs).toBe(ttlMs)
})

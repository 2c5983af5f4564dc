// Thousands of calls of one client at once: its own burst passes for no outage, its session lives, and its end leaves nothing.
import { expect, test } from 'vitest'
import type { Hold } from '../../../../src/index.ts'
import { freshName, useConsul } from '../../../servers/consul-store.ts'

const store = useConsul()
/** 10,000 take 28 s on two cores, which is too close to the limit of a test; `npm run bench -- scale` has that many. */
const count = 5_000
const ttlMs = 10_000

test('thousands of calls at once all hold, and close leaves nothing', async () => {
  const client = await store.client({ ttlMs })
  const prefix = freshName()
  const names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`)
  const lost: unknown[] = []

  const holds = await Promise.all(
    names.map(async (name): Promise<Hold> => {
      const hold = await client.mutex(name).acquire()
      hold.signal.addEventListener('abort', () => lost.push(hold.signal.reason))
      return hold
    }),
  )
  expect(holds.filter(({ held }) => !held)).toEqual([])
  expect(lost).toEqual([])
  await client.close()
  const other = await store.client({ ttlMs })
  expect(await other.survey(prefix)).toEqual([])
  expect(lost).toEqual([])
})

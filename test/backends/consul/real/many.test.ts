// Thousands of calls of one client at once: its own burst passes for no outage, its session lives, its end leaves nothing, and
// few connections are open afterwards.
import { expect, test } from 'vitest'
import type { Hold } from '../../../../src/index.ts'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshName, useConsul } from '../../../servers/consul-store.ts'
import { openLink } from '../../../servers/link.ts'

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

test('bursts of 64 locks share at most 96 connections, succeed while idle ones are closed, and leave 20', async () => {
  const link = await openLink(store.host)
  const client = await store.client({ endpoints: [link.address], ttlMs: 60_000 })
  const name = freshName()
  const cycle = (which: number): Promise<void> => client.mutex(`${name}-${which}`).run(async () => {})
  const burst = () => Promise.all(Array.from({ length: 64 }, (_, which) => cycle(which)))
  await burst()
  await burst()
  expect(link.connections).toBeLessThanOrEqual(96)
  // The test does not know when idle ones are closed, so it asks at many moments.
  await until(async () => link.open <= 20 || void (await cycle(0)), {
    describe: () => `20 connections at most, not ${link.open}`,
    everyMs: 5,
  })
  await burst()
})

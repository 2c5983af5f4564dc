// Thousands of holds of one client: its own burst passes for no outage, its session lives, and its end leaves nothing.
import { expect, test } from 'vitest'
import { systemClock } from '../../../../src/base/clock.ts'
import type { Hold } from '../../../../src/index.ts'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'

const etcd = useEtcd({ unsafeNoFsync: true })
const count = 3_000
const ttlMs = 6_000

test('thousands of calls at once all hold, keep holding over several renewals, and close leaves nothing', async () => {
  const namespace = freshNamespace()
  const client = await etcd.client(namespace, { ttlMs })
  const names = Array.from({ length: count }, (_, index) => `n${index}`)
  const lost: unknown[] = []
  const note = ({ signal }: Hold): void => signal.addEventListener('abort', () => lost.push(signal.reason))

  const holds = await Promise.all(names.map((name) => client.mutex(name).acquire()))
  for (const hold of holds) note(hold)
  const clock = systemClock()
  await new Promise<void>((resolve) => void clock.after(ttlMs / 2, resolve))

  expect(lost).toEqual([])
  expect(holds.filter(({ held }) => !held)).toEqual([])
  await client.close()
  expect(await etcd.keys(`${namespace}n`)).toEqual([])
  expect(lost).toEqual([])
})

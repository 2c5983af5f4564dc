// The example of a backend of one's own, on a real Redis: the conformance suite, its command, and the Redis that it refuses.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { BackendSource } from '../../../src/index.ts'
import type { ConformanceCase } from '../../../src/testing/index.ts'
import { startRedis } from '../../../tools/servers/redis.mjs'
import { copyExample } from '../copies.ts'

const { folder, run } = copyExample('redis-backend')
const [server, forgetful] = await Promise.all([
  startRedis({ durable: true }),
  startRedis(),
  run('npm run build'),
])
afterAll(() => Promise.all([server.close(), forgetful.close()]))

interface Compiled {
  redis(url: string, options?: { namespace?: string; acceptLoss?: boolean }): BackendSource
}
const { redis }: Compiled = await import(join(folder, 'dist/redis.js'))
// The compiled package, whose classes of errors the example uses.
const testing: { backendConformance(source: BackendSource): Promise<ConformanceCase[]> } = await import(
  join(folder, 'node_modules/leasehold/dist/testing/index.js')
)

// On this one a request does not wait for the disk, which would take three times as long.
const source = redis(forgetful.url, { namespace: 'suite:', acceptLoss: true })
const cases = await testing.backendConformance(source)
for (const { title, withinMs, run: play } of cases) test(title, play, withinMs)

test('the example is small: its TypeScript and its Lua have less than 250 lines each', () => {
  for (const file of ['redis.ts', 'scripts.ts']) {
    const lines = readFileSync(join('examples/redis-backend/src', file), 'utf8').split('\n')
    expect(lines.length).toBeLessThanOrEqual(250)
  }
})

test('its command runs: two clients take turns, with growing tokens', async () => {
  const printed = await run('node dist/demo.js', { REDIS_URL: server.url })
  expect(printed).toMatch(/works, fenced by token \d+\n(one|other) works, fenced by token \d+\n$/)
})

test('a Redis that can lose locks is refused, unless the caller accepts that', async () => {
  const clock = { after: () => () => {}, id: () => 1n } as never
  await expect(redis(forgetful.url).open(clock)).rejects.toThrow(/can lose locks: appendonly is "no"/)
  await (await redis(forgetful.url, { acceptLoss: true }).open(clock)).close()
})

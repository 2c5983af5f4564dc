// The promises that every backend of Leasehold keeps, tested on the Redis of REDIS_URL: `npm test`.
import { test } from 'node:test'
import { backendConformance } from 'leasehold/testing'
import { redis } from './redis.js'

const source = redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', {
  namespace: `suite-${Date.now()}:`,
})
for (const { title, withinMs, run } of await backendConformance(source))
  test(title, { timeout: withinMs }, run)

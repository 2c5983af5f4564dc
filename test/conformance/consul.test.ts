import { afterAll, describe, test } from 'vitest'
import { consul } from '../../src/backends/consul/index.ts'
import { backendConformance } from '../../src/testing/index.ts'
import { startConsul } from '../../tools/servers/run.mjs'
import { consulLines } from '../servers/lines.ts'

describe.each(consulLines)('Consul %s', async ({ line }) => {
  const server = await startConsul({ line })
  afterAll(() => server.close())

  const endpoints = [new URL(server.address).host]
  // Long enough to be met, short enough for a test to wait until it is over.
  const source = consul({ endpoints, namespace: 'suite/', lockDelayMs: 3_000 })
  for (const { title, run, withinMs } of await backendConformance(source)) test(title, run, withinMs)
})

import { consul } from '../../src/backends/consul/index.ts'
import { startConsul } from '../../tools/servers/run.mjs'
import { conformance } from './suite.ts'

conformance('Consul', async () => {
  const server = await startConsul()
  const addresses = [new URL(server.address).host]
  // Long enough to be met, short enough for a test to wait until it is over.
  const source = consul({ addresses, namespace: 'suite/', lockDelayMs: 500 })
  return { source, close: () => server.close() }
})

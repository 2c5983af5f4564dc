// The sockets of a client of Consul, with a server of the test: how many are opened, and how long they stay.
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Sockets } from '../../../src/backends/consul/wire/sockets.ts'

/** A server that answers everything, and counts its connections. */
async function server() {
  let opened = 0
  const http = createServer((_, response) => response.end('{}')).on('connection', () => {
    opened += 1
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void http.close())
  const { port } = http.address() as AddressInfo
  const open = (): Promise<number> =>
    new Promise((resolve) => http.getConnections((_, count) => resolve(count)))
  return { port, opened: () => opened, open }
}

test('many requests at a time use the sockets of those before, and most of these sockets close soon after', async () => {
  const { port, opened, open } = await server()
  const sockets = new Sockets({ tls: undefined, idleMs: 60_000 })
  onTestFinished(() => sockets.retire())
  const ask = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, agent: sockets.for('work') })
      sent.on('response', (response) => response.resume().on('end', resolve))
      sent.on('error', reject)
      sent.end()
    })

  for (let round = 0; round < 5; round += 1) await Promise.all(Array.from({ length: 64 }, ask))

  expect(opened()).toBe(64)
  await vi.waitFor(async () => expect(await open()).toBe(32), { timeout: 10_000, interval: 20 })
  await ask()
  expect(opened()).toBe(64)
})

// Answers of Consul, and of what may stand in front of it, that no healthy server of the tests gives: too many requests, a
// header that a proxy removes, and a session in a place that does not exist. The server here says what the test writes.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ConsulClient } from '../../../src/backends/consul/wire/client.ts'
import { server } from '../../../src/backends/consul/wire/servers.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { RefusedError, UnavailableError } from '../../../src/index.ts'
import { refusalOf } from '../../refusal.ts'

const never = new AbortController().signal
const plan = { name: 'n', ttlMs: 10_000, lockDelayMs: 1_000, checks: [] }

/** A server with this answer, and when it was asked. */
async function scene(answer: (response: ServerResponse, question: number) => void, dc?: string) {
  const asked: number[] = []
  let connections = 0
  const http = createServer((request, response) => {
    asked.push(performance.now())
    request.resume()
    answer(response, asked.length)
  })
  http.on('connection', () => (connections += 1))
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const client = new ConsulClient(systemClock(), [
    server(`127.0.0.1:${(http.address() as AddressInfo).port}`, { dc }),
  ])
  onTestFinished(() => {
    client.close()
    http.closeAllConnections()
    http.close()
  })
  return { client, asked, connections: () => connections }
}

test('after 429 with Retry-After the next request waits for so long, on the same connection', async () => {
  const { client, asked, connections } = await scene((response, question) => {
    if (question === 1) response.writeHead(429, { 'retry-after': '1' }).end('rate limit')
    else response.writeHead(404, { 'x-consul-index': '1' }).end()
  })
  const error = await refusalOf(() => client.read({ key: 'a' }, never))
  expect(error).toBeInstanceOf(UnavailableError)
  expect((error as Error).message).toContain('rate limit (429)')
  const given = new AbortController()
  const early = client.read({ key: 'a' }, given.signal)
  given.abort(new Error('enough'))
  await expect(early).rejects.toThrow('enough')
  expect(await client.read({ key: 'a' }, never)).toEqual({ index: 1, entries: [] })
  expect((asked[1] as number) - (asked[0] as number)).toBeGreaterThan(950)
  expect(asked.length).toBe(2)
  expect(connections()).toBe(1)
})

test('an answer without X-Consul-Index is refused, and the error asks for a proxy that removes it', async () => {
  const { client } = await scene((response) => response.writeHead(200).end('[]'))
  const error = await refusalOf(() => client.read({ key: 'a' }, never))
  expect(error).toBeInstanceOf(RefusedError)
  expect((error as Error).message).toMatch(
    /no header X-Consul-Index \(200\): does a proxy in front of Consul remove it\?/,
  )
})

test.each([
  ['Missing node registration', { node: 'n1' }, undefined, /node: there is no node "n1"/],
  ['Missing node registration', { node: 'n1' }, 'dc2', /there is no node "n1" in the datacenter "dc2"/],
  ['Missing node registration', {}, 'dc2', /node: name a node in the datacenter "dc2"/],
  [
    "Missing check 'serfhealth' registration",
    { checks: ['serfhealth'] },
    undefined,
    /checks: .* no check "serfhealth"/,
  ],
  ['rpc error making call: No path to datacenter', {}, 'dc9', /dc: the agent knows no datacenter "dc9"/],
])(
  'a session that cannot be made, since "%s", is refused, and the option is named',
  async (text, options, dc, message) => {
    const { client } = await scene((response) => response.writeHead(500).end(text), dc)
    const error = await refusalOf(() => client.createSession({ ...plan, ...options }, never))
    expect(error).toBeInstanceOf(RefusedError)
    expect((error as Error).message).toMatch(message)
  },
)

test('an agent whose own node is not in the catalog yet is an outage: it is there soon', async () => {
  const { client } = await scene((response) => response.writeHead(500).end('Missing node registration'))
  expect(await refusalOf(() => client.createSession(plan, never))).toBeInstanceOf(UnavailableError)
})

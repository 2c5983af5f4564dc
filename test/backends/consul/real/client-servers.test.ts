// How a connection reaches Consul, by TLS or by a socket, which server it asks, and how many connections it opens.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { server } from '../../../../src/backends/consul/wire/servers.ts'
import type { Access } from '../../../../src/backends/consul/wire/transport.ts'
import { roomyController } from '../../../../src/base/abort.ts'
import { UnavailableError } from '../../../../src/base/errors.ts'
import { freePorts } from '../../../../tools/servers/loopback.mjs'
import { until } from '../../../../tools/servers/wait.mjs'
import {
  empty,
  fake,
  never,
  open,
  plan,
  rejection,
  saying,
  silent,
  token,
  useSecuredConsul,
} from '../../../servers/consul-wire.ts'

const consul = useSecuredConsul()

test('HTTPS works with an authority and a client certificate, and says what is wrong without one', async () => {
  const ca = consul.pem('consul-agent-ca.pem')
  const [cert, key] = [consul.pem('dc1-client-consul-0.pem'), consul.pem('dc1-client-consul-0-key.pem')]
  const asked = (tls: Access['tls'], at = consul.tlsAddress): Promise<unknown> =>
    consul.clientOf({ token, tls }, at).read({ key: 'a' }, never())
  const byName = consul.tlsAddress.replace('127.0.0.1', 'localhost')

  expect(await asked({ ca, cert, key })).toMatchObject({ entries: [] })
  expect(await asked({ ca: [ca], cert, key, serverName: 'server.dc1.consul' }, byName)).toBeDefined()
  expect(await asked({ cert, key, verify: false })).toBeDefined()
  for (const [tls, at, message] of [
    [{ ca }, consul.tlsAddress, /certificate/],
    [true, consul.tlsAddress, /self.signed certificate|verify/],
    [{ ca, cert, key, serverName: 'elsewhere' }, consul.tlsAddress, /elsewhere/],
    [undefined, consul.tlsAddress, /HTTP request to an HTTPS server/],
    [{ ca, cert, key }, consul.address, /TLS: wrong version number/],
    [{ ca, cert: 'none', key: 'none' }, consul.tlsAddress, /PEM/],
  ] as const) {
    const error = await rejection(asked(tls, at))
    expect(error.message).toMatch(message)
    expect(error.code).toMatch(/LEASEHOLD_(REFUSED|UNAVAILABLE)/)
  }
})

test('a server can be reached over a unix socket', async () => {
  const client = consul.clientOf({ token }, `unix://${consul.folder}/http.sock`)

  const session = await client.createSession(plan, never())
  await client.renewSession(session, never())

  expect(await consul.infoOf(session)).toMatchObject({ Name: 'test' })
})

test('an address of IPv6 is one, and where nobody listens that is said', async () => {
  const [port] = await freePorts(1)
  for (const at of [`[::1]:${port}`, `127.0.0.1:${port}`, `unix://${consul.folder}/none`]) {
    const error = await rejection(consul.clientOf({}, at).read({ key: 'a' }, never()))
    expect(error).toMatchObject({ code: 'LEASEHOLD_UNAVAILABLE', cause: expect.any(Error) })
    expect(error.message).toMatch(/ECONNREFUSED|EADDRNOTAVAIL|ENOENT/)
  }
})

test('after a failure the next server is asked, and the one after the last is the first', async () => {
  let healthy = false
  const ill = await fake((request, response) => {
    if (healthy) empty(request, response as never)
    else saying(500, 'No cluster leader')(request, response as never)
  })
  const [port] = await freePorts(1)
  const well = await fake(empty)
  const servers = [ill.address, `127.0.0.1:${port}`, well.address].map((at) => server(at, {}))
  const client = open(servers)
  const read = (): Promise<unknown> => client.read({ key: 'a' }, never())

  expect((await rejection(read())).message).toContain(ill.address)
  expect((await rejection(read())).message).toContain(`${port}`)
  await read()
  await read()
  expect([ill.requests.length, well.requests.length]).toEqual([1, 2])

  healthy = true
  await rejection(client.read({ key: 'a' }, AbortSignal.timeout(0))) // not the server's fault
  await read()
  expect(ill.requests).toHaveLength(1)
})

test('when the limit of a caller is over the next server is asked, and all that wait on the silent one ask too', async () => {
  const [hung, well] = [await fake(silent), await fake(empty)]
  const client = open([server(hung.address, {}), server(well.address, {})])
  const [limit, other, abort] = [new AbortController(), new AbortController(), new AbortController()]
  const wait = { index: 1, waitMs: 600_000 }
  const watching = rejection(client.block({ key: 'a' }, wait, never()))
  const leaving = rejection(client.block({ key: 'b' }, wait, abort.signal))
  const first = rejection(client.read({ key: 'c' }, limit.signal))
  const second = rejection(client.read({ key: 'd' }, other.signal))
  await until(async () => hung.requests.length === 4, { describe: () => 'four requests' })

  abort.abort('enough')
  expect(await leaving).toBe('enough')
  expect(well.requests).toHaveLength(0)
  limit.abort(new UnavailableError('too late'))
  expect((await first).message).toBe(`consul at ${hung.address}: too late`)
  expect((await watching).message).toContain(`consul at ${hung.address}: `)
  await client.read({ key: 'e' }, never())

  // Sent to a server that was left already: it says nothing of the present one.
  other.abort(new UnavailableError('too late'))
  await second
  await client.read({ key: 'f' }, never())
  expect(well.requests).toHaveLength(2)
})

test('an outage of one request leaves the others that the server is working on alone', async () => {
  let finish = (): void => {}
  const busy = await fake((request, response) => {
    if (request.url?.includes('ill')) response.writeHead(500).end('no')
    else finish = () => response.writeHead(404, { 'x-consul-index': '9' }).end()
  })
  const client = consul.clientOf({}, busy.address)
  const slow = client.block({ key: 'slow' }, { index: 8, waitMs: 60_000 }, never())
  await until(async () => busy.requests.length === 1, { describe: () => 'the slow request' })

  await rejection(client.read({ key: 'ill' }, never()))
  finish()

  expect(await slow).toEqual({ index: 9, entries: [] })
  // The connection that was left is not kept.
  await until(async () => busy.requests.every(({ socket }) => socket.destroyed), {
    describe: () => 'no socket',
  })
})

test('a crowd that waits leaves room for renewals and releases, and never takes all the server has', async () => {
  const client = consul.clientOf()
  const session = await client.createSession(plan, never())
  const abort = roomyController()
  const { index } = await client.read({ prefix: 'crowd/' }, never())
  const wait = { index: index + 1_000_000, waitMs: 60_000 }
  const crowd = Array.from({ length: 180 }, () =>
    rejection(client.block({ prefix: 'crowd/' }, wait, abort.signal)),
  )
  const sockets = async (): Promise<number> => {
    const [, port = ''] = consul.address.split(':')
    const hex = Number(port).toString(16).toUpperCase().padStart(4, '0')
    const rows = readFileSync(`/proc/${process.pid}/net/tcp`, 'utf8').split('\n')
    return rows.filter((row) => row.includes(` 0100007F:${hex} 01 `)).length
  }
  await until(async () => (await sockets()) >= 80, { describe: () => '80 sockets' })

  await client.renewSession(session, never())
  await client.txn([{ verb: 'set', key: 'crowded', value: '' }], never(), 'gives back')
  expect(await sockets()).toBeLessThanOrEqual(96)
  await client.destroySession(session, never())
  abort.abort('enough')

  expect(new Set(await Promise.all(crowd))).toEqual(new Set(['enough']))
})

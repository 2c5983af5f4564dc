// The connection to Consul by itself: what arrives there and what comes back, which errors mean what, which server is
// asked, and that nothing it opened stays. Fake servers stand in for what a real one does not do on demand.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { getEventListeners, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { dirname, join } from 'node:path'
import Consul from 'consul'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import {
  ConsulClient,
  givenClient,
  type Server,
  server,
} from '../../../../src/backends/consul/wire/client.ts'
import type { Access, Operation, SessionPlan } from '../../../../src/backends/consul/wire/transport.ts'
import { type Clock, systemClock } from '../../../../src/base/clock.ts'
import { UnavailableError } from '../../../../src/base/errors.ts'
import { ownedFolder } from '../../../../tools/servers/children.mjs'
import { requireCommand } from '../../../../tools/servers/command.mjs'
import { freePorts } from '../../../../tools/servers/loopback.mjs'
import { type ConsulCluster, serverOf, startConsul } from '../../../../tools/servers/run.mjs'
import { until } from '../../../../tools/servers/wait.mjs'
import { useBuild } from '../../../servers/build.ts'
import { failOnComplaints } from '../../../servers/etcd.ts'
import { freeze } from '../../../servers/freeze.ts'

const built = useBuild()
const token = randomUUID()
const headers = { 'X-Consul-Token': token }
const folder = ownedFolder('consul-client')
const pem = (name: string): Buffer => readFileSync(join(folder.path, name))
let cluster: ConsulCluster
let address: string
let tlsAddress: string

beforeAll(async () => {
  const consul = join((await serverOf('consul', undefined)).dir, 'consul')
  for (const args of [
    ['ca', 'create'],
    ['cert', 'create', '-server'],
    ['cert', 'create', '-client'],
  ]) {
    await requireCommand(consul, ['tls', ...args], { cwd: folder.path })
  }
  cluster = await startConsul({ token, config })
  address = cluster.members[0].endpoint
})
afterAll(async () => {
  await cluster?.close()
  await folder.remove()
})
failOnComplaints()

async function config() {
  const [https = 0] = await freePorts(1)
  tlsAddress = `127.0.0.1:${https}`
  return {
    acl: { enabled: true, default_policy: 'deny', tokens: { master: token } },
    ports: { https },
    addresses: { http: `127.0.0.1 unix://${folder.path}/http.sock` },
    verify_incoming_https: true,
    ca_file: join(folder.path, 'consul-agent-ca.pem'),
    cert_file: join(folder.path, 'dc1-server-consul-0.pem'),
    key_file: join(folder.path, 'dc1-server-consul-0-key.pem'),
  }
}

const plan: SessionPlan = { name: 'test', ttlMs: 20_000, lockDelayMs: 0, checks: [] }
const goneSession = '00000000-0000-4000-8000-000000000000'
const never = (): AbortSignal => new AbortController().signal

function open(servers: readonly Server[], clock: Clock = systemClock()): ConsulClient {
  const client = new ConsulClient(clock, servers)
  onTestFinished(() => client.close())
  return client
}

/** A client of the real server, or of another one. */
function clientOf(access: Access = { token }, at = address): ConsulClient {
  return open([server(at, access)])
}

/** A clock on which limits pass a hundred times faster; it keeps what was asked for. */
function hastyClock(): Clock & { readonly scope: number[] } {
  const clock = systemClock()
  const scope: number[] = []
  const after = (ms: number, run: () => void): (() => void) => {
    scope.push(ms)
    return clock.after(ms / 100, run)
  }
  return { ...clock, after, scope }
}

const rejection = (asked: Promise<unknown>): Promise<Error & { code?: string }> =>
  asked.then(
    () => new Error('it did not reject'),
    (error) => error,
  )

interface Fake {
  readonly address: string
  readonly requests: IncomingMessage[]
}

async function fake(answer: RequestListener): Promise<Fake> {
  const requests: IncomingMessage[] = []
  const http = createServer((request, response) => {
    requests.push(request)
    request.resume()
    answer(request, response)
  })
  http.keepAliveTimeout = 0 // else it closes idle sockets itself
  onTestFinished(() => void http.close().closeAllConnections())
  return { address: await listening(http), requests }
}

async function listening(tcp: TcpServer): Promise<string> {
  await once(tcp.listen(0, '127.0.0.1'), 'listening')
  return `127.0.0.1:${(tcp.address() as AddressInfo).port}`
}

const silent: RequestListener = () => {}
const empty: RequestListener = (_, response) => response.writeHead(404, { 'x-consul-index': '7' }).end()
const saying =
  (status: number, text: string): RequestListener =>
  (_, response) =>
    response.writeHead(status, { 'x-consul-index': '7', location: '/' }).end(text)

async function infoOf(session: string) {
  const answer = await fetch(`http://${address}/v1/session/info/${session}`, { headers })
  return ((await answer.json()) as Record<string, unknown>[])[0]
}

async function put(path: string, body: object): Promise<void> {
  const answer = await fetch(`http://${address}/v1/${path}`, {
    method: 'PUT',
    headers,
    body: JSON.stringify(body),
  })
  expect(answer.status).toBe(200)
}

test('flags of 64 bits arrive exactly, and come back exactly, whatever the key and the value look like', async () => {
  const client = clientOf()
  const written = [
    { key: 'flags/most', value: '"Flags":"1" \\"Flags\\":2 ü', flags: 2n ** 64n - 1n },
    { key: 'flags/"Flags":"3"', value: 'Flags', flags: 3304740253564472344n },
    { key: 'flags/none', value: '', flags: 0n },
  ]

  const outcome = await client.txn(
    written.map((each) => ({ verb: 'set', ...each })),
    never(),
  )
  const { entries } = await client.read({ prefix: 'flags/' }, never())

  expect(outcome.applied && outcome.entries.map(({ flags }) => flags)).toEqual(
    written.map(({ flags }) => flags),
  )
  for (const { key, value, flags } of written) {
    const printed = (await cluster.consul(['kv', 'get', '-detailed', key])).stdout
    expect(printed).toMatch(new RegExp(`^Flags +${flags}$`, 'm'))
    expect(entries.find((entry) => entry.key === key)).toMatchObject({ value, flags, session: undefined })
    expect((await client.read({ key }, never())).entries).toMatchObject([{ key, value, flags }])
  }
})

test('a transaction that reads what it wrote says who holds the key and since when', async () => {
  const client = clientOf()
  const session = await client.createSession(plan, never())
  const lock = { verb: 'lock', key: 'txn/a', value: 'v', session } as const

  const outcome = await client.txn(
    [{ verb: 'check-not-exists', key: 'txn/a' }, lock, { verb: 'get', key: 'txn/a' }],
    never(),
  )
  const again = await client.txn(
    [{ verb: 'check-not-exists', key: 'txn/a' }, { verb: 'get', key: 'txn/b' }, lock],
    never(),
    'gives back',
  )

  const [, read] = outcome.applied ? outcome.entries : []
  expect(read).toMatchObject({ key: 'txn/a', value: 'v', session, modifyIndex: read?.createIndex })
  expect(again).toEqual({
    applied: false,
    failures: [
      { operation: 0, reason: expect.stringContaining('exists') },
      { operation: 1, reason: expect.stringContaining("doesn't exist") },
    ],
  })
})

test('a session has no checks but those that were asked for, and all of its options arrive', async () => {
  const client = clientOf()
  const node = cluster.members[0].name

  const plain = await client.createSession(plan, never())
  await put('agent/check/register', { Name: 'own', TTL: '10m', Status: 'passing' })
  const full = { name: 'ü "', ttlMs: 12_345.2, lockDelayMs: 1_500, checks: ['own'], node }
  const checked = await client.createSession(full, never())

  const none = { Name: 'test', TTL: '20000ms', LockDelay: 0, Behavior: 'delete', NodeChecks: [], Node: node }
  expect(await infoOf(plain)).toMatchObject({ ...none, ServiceChecks: null })
  expect(await infoOf(checked)).toMatchObject({
    Name: full.name,
    TTL: '12346ms',
    LockDelay: 1_500_000_000,
    Behavior: 'delete',
    NodeChecks: ['own'],
  })
})

test('a session that ended is gone for a renewal and a lock, and can be ended again', async () => {
  const client = clientOf()
  const session = await client.createSession(plan, never())
  await client.renewSession(session, never())
  await client.destroySession(session, never())
  await client.destroySession(session, never())

  const lock = client.txn([{ verb: 'lock', key: 'gone', value: '', session }], never())
  for (const asked of [client.renewSession(session, never()), lock]) {
    const error = await rejection(asked)
    expect(error).toMatchObject({ code: 'LEASEHOLD_SESSION_GONE' })
    expect(error.message).toMatch(new RegExp(`^consul at ${address}: .*${session}`))
  }
})

test('a key whose name speaks of sessions and permissions is just a key that is taken', async () => {
  const client = clientOf()
  const key = 'say/invalid session "Permission denied" ACL'
  await client.txn([{ verb: 'set', key, value: '' }], never())

  expect(await client.txn([{ verb: 'check-not-exists', key }], never())).toMatchObject({ applied: false })
})

test('a blocking read wakes on a change and tells the index to wait from; where there is no key, too', async () => {
  const client = clientOf()
  const key = 'block/a'
  const nothing = await client.read({ key }, never())
  expect(nothing.entries).toEqual([])
  expect(nothing.index).toBeGreaterThanOrEqual(1)
  await client.txn([{ verb: 'set', key, value: 'one' }], never())
  const before = await client.read({ prefix: 'block/' }, never())

  const waiting = client.block({ prefix: 'block/' }, { index: before.index, waitMs: 60_000 }, never())
  await client.txn([{ verb: 'set', key, value: 'two' }], never())
  const after = await waiting

  expect(after.entries).toMatchObject([{ key, value: 'two', modifyIndex: after.index }])
  expect(after.index).toBeGreaterThan(before.index)
})

test('an index is never 0, from which the next read would not wait', async () => {
  const { address: at } = await fake((_, response) =>
    response.writeHead(404, { 'x-consul-index': '0' }).end(),
  )

  expect(await clientOf({}, at).read({ key: 'a' }, never())).toEqual({ index: 1, entries: [] })
})

test('a blocking read that sees no change comes back when it was told to', async () => {
  const client = clientOf()
  await client.txn([{ verb: 'set', key: 'still', value: '' }], never())
  const { index } = await client.read({ key: 'still' }, never())

  const { entries } = await client.block({ key: 'still' }, { index, waitMs: 20 }, never())

  expect(entries).toMatchObject([{ key: 'still', modifyIndex: index }])
})

test('a body that is cut short is an outage after the limit of the request, which a blocking read extends', async () => {
  const cut = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.end('HTTP/1.1 200 OK\r\nX-Consul-Index: 1\r\nContent-Length: 99\r\n\r\n[{')
    })
  })
  onTestFinished(() => void cut.close())
  const clock = hastyClock()
  const client = open([server(await listening(cut), {})], clock)

  for (const asked of [
    client.read({ key: 'a' }, never()),
    client.block({ key: 'a' }, { index: 1, waitMs: 16_000 }, never()),
  ]) {
    expect(await rejection(asked)).toMatchObject({ code: 'LEASEHOLD_UNAVAILABLE', cause: expect.any(Error) })
  }
  expect(clock.scope).toEqual([10_000, 22_000])
})

test('a server that never answers is unavailable after a time limit of our own, and says so', async () => {
  const hung = await fake(silent)
  const client = open([server(hung.address, {})], hastyClock())

  const error = await rejection(client.renewSession(goneSession, never()))

  expect(error).toMatchObject({ code: 'LEASEHOLD_UNAVAILABLE', cause: expect.any(Error) })
  expect(error.message).toBe(`consul at ${hung.address}: no answer within 10000 ms`)
})

test.for(['a word', undefined, 7, new TypeError('of its own'), new UnavailableError('too late')])(
  'an abort with %s ends a request at once with that reason, and its socket; nothing stays on the signal',
  async (reason) => {
    const hung = await fake(silent)
    const client = open([server(hung.address, {})])
    const abort = new AbortController()
    const asked = rejection(client.txn([{ verb: 'get', key: 'a' }], abort.signal))
    await until(async () => hung.requests.length === 1, { describe: () => 'the request' })
    const ended = new Promise((resolve) => hung.requests[0]?.socket.once('close', resolve))

    abort.abort(reason)

    const error = await asked
    if (reason instanceof UnavailableError) {
      expect(error).toMatchObject({ code: reason.code, cause: reason }) // which server that was is worth knowing
      expect(error.message).toBe(`consul at ${hung.address}: too late`)
    } else expect(error).toBe(abort.signal.reason)
    await ended
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
  },
)

test('reads that decide are consistent, and blocking reads are not', async () => {
  const { address: at, requests } = await fake((request, response) => {
    if (request.method === 'GET') empty(request, response as never)
    else response.end('{"Results":[],"Errors":null}')
  })
  const client = clientOf({}, at)

  await client.read({ key: 'a' }, never())
  await client.block({ prefix: 'a/' }, { index: 3, waitMs: 1.5 }, never())
  await client.txn([{ verb: 'get-tree', key: 'a' }], never())
  await client.txn([{ verb: 'delete', key: 'a' }], never())

  expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'GET /v1/kv/a?consistent=1',
    'GET /v1/kv/a%2F?index=3&wait=2ms&recurse=1',
    'PUT /v1/txn?consistent=1',
    'PUT /v1/txn',
  ])
})

test('a signal that serves a hundred requests keeps none of them', async () => {
  const { address: at } = await fake(empty)
  const client = clientOf({}, at)
  const { signal } = new AbortController()

  await Promise.all(Array.from({ length: 100 }, () => client.read({ key: 'a' }, signal)))

  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('nothing is sent for a signal that has aborted', async () => {
  const { address: at, requests } = await fake(empty)
  const client = clientOf({}, at)

  expect(await rejection(client.read({ key: 'a' }, AbortSignal.abort('why')))).toBe('why')
  await client.read({ key: 'b' }, never())

  expect(requests.map(({ url }) => url)).toEqual(['/v1/kv/b?consistent=1'])
})

test.for([
  [500, 'No cluster leader', 'LEASEHOLD_UNAVAILABLE', 'No cluster leader'],
  [502, '', 'LEASEHOLD_UNAVAILABLE', 'Bad Gateway'],
  [503, 'busy', 'LEASEHOLD_UNAVAILABLE', 'busy'],
  [504, 'late', 'LEASEHOLD_UNAVAILABLE', 'late'],
  [429, 'Your IP is issuing too many concurrent connections', 'LEASEHOLD_UNAVAILABLE', 'too many concurrent'],
  [200, '<html>', 'LEASEHOLD_UNAVAILABLE', 'makes no sense'],
  [200, '[{"Key":"a"}]', 'LEASEHOLD_UNAVAILABLE', 'makes no sense'],
  [500, 'rpc error making call: invalid session "1"', 'LEASEHOLD_SESSION_GONE', 'invalid session'],
  [500, "Invalid Session TTL '5', must be between [30s=24h0m0s]", 'LEASEHOLD_REFUSED', 'between [30s'],
  [400, 'Bad request', 'LEASEHOLD_REFUSED', 'Bad request'],
  [301, '', 'LEASEHOLD_REFUSED', 'Moved Permanently'],
  [405, 'method PATCH not allowed', 'LEASEHOLD_REFUSED', 'not allowed'],
  [413, 'Value exceeds 524288 byte limit', 'LEASEHOLD_REFUSED', 'exceeds 524288'],
  [403, 'ACL not found', 'LEASEHOLD_REFUSED', 'there is no such token'],
  [401, 'who are you', 'LEASEHOLD_REFUSED', 'who are you'],
] as const)('an answer of %s, %s, is told as %s', async ([status, text, code, told]) => {
  const { address: at } = await fake(saying(status, text))

  const error = await rejection(clientOf({}, at).read({ key: 'a' }, never()))

  expect(error).toMatchObject({ code })
  expect(error.message).toContain(`consul at ${at}: `)
  expect(error.message).toContain(told)
})

test('a long text of the server is told as far as 200 characters', async () => {
  const text = `rpc error making call: ${'because '.repeat(40)}`.trim()
  const { address: at } = await fake(saying(500, text))

  const error = await rejection(clientOf({}, at).read({ key: 'a' }, never()))

  expect(error.message).toBe(`consul at ${at}: ${text.slice(0, 199)}… (500)`)
})

test("a proxy's 404 is not taken for a key that is not there, nor its page for a renewal", async () => {
  const proxy = await fake((request, response) => {
    response.writeHead(request.method === 'GET' ? 404 : 200).end('"no such upstream"')
  })
  const client = clientOf({}, proxy.address)

  expect(await rejection(client.read({ key: 'a' }, never()))).toMatchObject({ code: 'LEASEHOLD_REFUSED' })
  const renewal = client.renewSession(goneSession, never())
  expect(await rejection(renewal)).toMatchObject({ code: 'LEASEHOLD_UNAVAILABLE' })
})

const lockNear = (key: string): Operation => ({ verb: 'lock', key, value: '', session: goneSession })

test.for<[string, (client: ConsulClient) => Promise<unknown>, string]>([
  [
    'create a session',
    (client) => client.createSession(plan, never()),
    'session_prefix "" { policy = "write" }',
  ],
  [
    'create a session on a node',
    (client) => client.createSession({ ...plan, node: cluster.members[0].name }, never()),
    'session "m1',
  ],
  [
    'lock',
    (client) => client.txn([lockNear('app/locks/a/1'), lockNear('app/locks/ab')], never()),
    'key_prefix "app/locks/" { policy = "write" }',
  ],
  [
    'read in a transaction',
    async (client) => {
      await clientOf().txn([{ verb: 'set', key: 'app/a', value: '' }], never())
      await client.txn([{ verb: 'get', key: 'app/a' }], never())
    },
    'key_prefix "app/" { policy = "read" }',
  ],
  ['read', (client) => client.read({ key: 'app/a/b' }, never()), 'key_prefix "app/a/" { policy = "read" }'],
])('a client that may not %s learns which rule its token needs', async ([, ask, rule]) => {
  const error = await rejection(ask(clientOf({})))

  expect(error).toMatchObject({ code: 'LEASEHOLD_REFUSED' })
  expect(error.message).toContain('Permission denied')
  expect(error.message).toContain(rule)
})

test('a token, a user and a password reach the server, and never a message, even if the server says them', async () => {
  const echo = await fake(({ headers }, response) => {
    const said = `${headers['x-consul-token']} ${headers.authorization} hunter2 not allowed`
    response
      .writeHead(headers['x-consul-namespace'] === 'ns' ? 500 : 200, { 'x-consul-index': '7' })
      .end(said)
  })
  const auth = { username: 'me', password: 'hunter2' }
  const login = Buffer.from('me:hunter2').toString('base64')
  const secret = { token: 'secret-token', auth, dc: 'dc2', partition: 'part' }

  for (const credentials of [secret, { ...secret, namespace: 'ns' }]) {
    const error = await rejection(clientOf(credentials, echo.address).read({ key: 'a' }, never()))
    for (let each: unknown = error; each instanceof Error; each = each.cause) {
      expect(`${each.stack} ${JSON.stringify(each)}`).not.toMatch(new RegExp(`secret-token|hunter2|${login}`))
    }
  }

  expect(echo.requests[1]?.url).toContain('dc=dc2')
  expect(echo.requests[1]?.headers).toMatchObject({
    'x-consul-token': 'secret-token',
    authorization: `Basic ${login}`,
    'x-consul-namespace': 'ns',
    'x-consul-partition': 'part',
  })
})

test.for(['an unknown one', 'one\nof two lines'])(
  'a token that cannot be right, %s, is refused',
  async (wrong) => {
    const error = await rejection(clientOf({ token: wrong }).read({ key: 'a' }, never()))

    expect(error).toMatchObject({ code: 'LEASEHOLD_REFUSED' })
    expect(error.message).not.toContain(wrong)
  },
)

test('HTTPS works with an authority and a client certificate, and says what is wrong without one', async () => {
  const ca = pem('consul-agent-ca.pem')
  const [cert, key] = [pem('dc1-client-consul-0.pem'), pem('dc1-client-consul-0-key.pem')]
  const asked = (tls: Access['tls'], at = tlsAddress): Promise<unknown> =>
    clientOf({ token, tls }, at).read({ key: 'a' }, never())
  const byName = tlsAddress.replace('127.0.0.1', 'localhost')

  expect(await asked({ ca, cert, key })).toMatchObject({ entries: [] })
  expect(await asked({ ca: [ca], cert, key, serverName: 'server.dc1.consul' }, byName)).toBeDefined()
  expect(await asked({ cert, key, verify: false })).toBeDefined()
  for (const [tls, at, message] of [
    [{ ca }, tlsAddress, /certificate/],
    [true, tlsAddress, /self.signed certificate|verify/],
    [{ ca, cert, key, serverName: 'elsewhere' }, tlsAddress, /elsewhere/],
    [undefined, tlsAddress, /HTTP request to an HTTPS server/],
    [{ ca, cert, key }, address, /TLS: wrong version number/],
    [{ ca, cert: 'none', key: 'none' }, tlsAddress, /PEM/],
  ] as const) {
    const error = await rejection(asked(tls, at))
    expect(error.message).toMatch(message)
    expect(error.code).toMatch(/LEASEHOLD_(REFUSED|UNAVAILABLE)/)
  }
})

test('a server can be reached over a unix socket', async () => {
  const client = clientOf({ token }, `unix://${folder.path}/http.sock`)

  const session = await client.createSession(plan, never())
  await client.renewSession(session, never())

  expect(await infoOf(session)).toMatchObject({ Name: 'test' })
})

test('an address of IPv6 is one, and where nobody listens that is said', async () => {
  const [port] = await freePorts(1)
  for (const at of [`[::1]:${port}`, `127.0.0.1:${port}`, `unix://${folder.path}/none`]) {
    const error = await rejection(clientOf({}, at).read({ key: 'a' }, never()))
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
  const client = clientOf({}, busy.address)
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
  const client = clientOf()
  const session = await client.createSession(plan, never())
  const abort = new AbortController()
  const { index } = await client.read({ prefix: 'crowd/' }, never())
  const wait = { index: index + 1_000_000, waitMs: 60_000 }
  const crowd = Array.from({ length: 180 }, () =>
    rejection(client.block({ prefix: 'crowd/' }, wait, abort.signal)),
  )
  const sockets = async (): Promise<number> => {
    const [, port = ''] = address.split(':')
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

test('a given client keeps its own token, address and agent, and is left open', async () => {
  const [host = '', port] = address.split(':')
  const defaults = { token, dc: 'dc1', timeout: 50, stale: true, wait: '1ms' }
  const options = { host, port: Number(port), defaults, timeout: 50 }
  const given = new Consul(options)
  onTestFinished(() => given.destroy())
  const client = open([givenClient(given)])
  await client.txn([{ verb: 'set', key: 'given', value: 'one' }], never())
  const { index } = await client.read({ key: 'given' }, never())

  // Beyond the time limit that it sets for itself.
  const { entries } = await client.block({ key: 'given' }, { index, waitMs: 200 }, never())
  expect(entries).toMatchObject([{ value: 'one' }])
  const session = await client.createSession(plan, never())
  expect(await infoOf(session)).toMatchObject({ NodeChecks: [] })
  client.close()

  expect((await rejection(client.read({ key: 'given' }, never()))).message).toContain(address)
  expect(await given.kv.get('given')).toMatchObject({ Value: 'one' })
})

test('an agent that a client was given is the one that is used', async () => {
  const { address: at, requests } = await fake(empty)
  const baseUrl = `http://${at}/deep/v1`
  const given = new Consul({ baseUrl, defaults: { token: 'theirs', dc: 'dc9' } } as never)
  onTestFinished(() => given.destroy())

  await open([givenClient(given)]).read({ prefix: 'a b/' }, never())

  expect(requests[0]?.url).toBe('/deep/v1/kv/a%20b%2F?dc=dc9&consistent=1&recurse=1')
  expect(requests[0]?.headers['x-consul-token']).toBe('theirs')
})

test('close ends what is under way as an outage, and after it nothing can be asked', async () => {
  const hung = await fake(silent)
  const client = clientOf({}, hung.address)
  const wait = { index: 1, waitMs: 60_000 }
  const asked = [
    rejection(client.read({ key: 'a' }, never())),
    rejection(client.block({ key: 'b' }, wait, never())),
    rejection(client.renewSession(goneSession, never())),
  ]
  await until(async () => hung.requests.length === 3, { describe: () => 'three requests' })

  client.close()
  client.close()

  for (const each of [...(await Promise.all(asked)), await rejection(client.createSession(plan, never()))]) {
    expect(each).toMatchObject({ code: 'LEASEHOLD_UNAVAILABLE' })
    expect(each.message).toContain('the connection was closed')
  }
  await until(async () => hung.requests.every(({ socket }) => socket.destroyed), {
    describe: () => 'no socket',
  })
})

test('after close a process ends by itself, also if the server hangs and hundreds of requests wait', async () => {
  const folderOf = dirname(built.index)
  const script = `
    import { ConsulClient, server } from ${JSON.stringify(join(folderOf, 'backends/consul/wire/client.js'))}
    import { systemClock } from ${JSON.stringify(join(folderOf, 'base/clock.js'))}
    const client = new ConsulClient(systemClock(), [server(${JSON.stringify(address)}, { token: ${JSON.stringify(token)} })])
    const { signal } = new AbortController()
    await client.read({ key: 'a' }, signal)
    process.stdout.write('ready')
    await new Promise((resolve) => process.stdin.once('data', resolve))
    process.stdin.destroy()
    const wait = { index: 1e9, waitMs: 600_000 }
    const asked = [
      ...Array.from({ length: 200 }, () => client.block({ key: 'a' }, wait, signal)),
      ...Array.from({ length: 50 }, () => client.renewSession(${JSON.stringify(goneSession)}, signal)),
    ]
    setTimeout(() => client.close(), 100)
    const codes = (await Promise.allSettled(asked)).map(({ reason }) => reason.code)
    process.stdout.write([...new Set(codes)].join())`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  const ended = once(child, 'exit')
  await until(async () => said === 'ready', { describe: () => 'the child' })
  await freeze(cluster.members[0])

  child.stdin.write('go')

  expect(await ended).toEqual([0, null])
  expect(said).toBe('readyLEASEHOLD_UNAVAILABLE')
})

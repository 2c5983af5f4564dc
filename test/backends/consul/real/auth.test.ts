// The command on a Consul that asks who is there: tokens, sockets, TLS and a proxy, as the variables of the consul
// program give them. No secret shows in what leasehold says, nor in LEASEHOLD_URL.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { consulFromUrl, consul as consulSource } from '../../../../src/backends/consul/index.ts'
import { connect } from '../../../../src/index.ts'
import { ownedFolder } from '../../../../tools/servers/children.mjs'
import { requireCommand } from '../../../../tools/servers/command.mjs'
import { freePorts } from '../../../../tools/servers/loopback.mjs'
import { type ConsulCluster, serverOf, startConsul } from '../../../../tools/servers/run.mjs'
import { until } from '../../../../tools/servers/wait.mjs'
import { type Ending, leasehold, program } from '../../../cli/leasehold.ts'

const management = randomUUID()
const folder = ownedFolder('leasehold-consul-auth')
const socket = join(folder.path, 'consul.sock')
const file = (name: string): string => join(folder.path, name)

let consul: ConsulCluster
let address: string
let secure: string
let namespace: string
let tests = 0

beforeAll(async () => {
  const { dir } = await serverOf('consul', undefined)
  for (const args of [
    ['ca', 'create'],
    ['cert', 'create', '-server'],
    ['cert', 'create', '-client'],
  ]) {
    await requireCommand(join(dir, 'consul'), ['tls', ...args], { cwd: folder.path })
  }
  consul = await startConsul({ token: management, config })
  address = consul.members[0].endpoint
})
afterAll(async () => {
  await consul?.close()
  await folder.remove()
})
beforeEach(() => {
  tests += 1
  namespace = `t${tests}/`
})

async function config() {
  const [https = 0] = await freePorts(1)
  secure = `127.0.0.1:${https}`
  return {
    acl: { enabled: true, default_policy: 'deny', tokens: { master: management } },
    ports: { https },
    addresses: { http: `127.0.0.1 unix://${socket}` },
    ca_file: file('consul-agent-ca.pem'),
    cert_file: file('dc1-server-consul-0.pem'),
    key_file: file('dc1-server-consul-0-key.pem'),
    verify_incoming_https: true,
  }
}

// The machine's own variables must not reach the tests; empty counts as missing.
const nothing = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => name.startsWith('CONSUL_'))
    .map((name) => [name, '']),
)

/** Runs a command that tells LEASEHOLD_URL, on the Consul of a URL and these variables. */
function run(url: string, env: Record<string, string>, name = 'x'): Promise<Ending> {
  const tell = ['sh', '-c', 'echo "$LEASEHOLD_URL"']
  return leasehold(['run', name, '--url', url, '--', ...tell], { env: { ...nothing, ...env } }).ended
}

/** A token with these rules. */
async function tokenOf(rules: string): Promise<string> {
  const name = `policy-${randomUUID()}`
  await requireConsul(['acl', 'policy', 'create', `-name=${name}`, `-rules=${rules}`])
  const made = await requireConsul(['acl', 'token', 'create', `-policy-name=${name}`, '-format=json'])
  return JSON.parse(made).SecretID
}

async function requireConsul(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await consul.consul(args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

const certificates = () => ({
  CONSUL_CACERT: file('consul-agent-ca.pem'),
  CONSUL_CLIENT_CERT: file('dc1-client-consul-0.pem'),
  CONSUL_CLIENT_KEY: file('dc1-client-consul-0-key.pem'),
})

test('a token is taken from CONSUL_HTTP_TOKEN, and LEASEHOLD_URL has none of it', async () => {
  expect(await run(`consul://${address}/${namespace}`, { CONSUL_HTTP_TOKEN: management })).toEqual({
    status: 0,
    stdout: `consul://${address}/${namespace}\n`,
    stderr: '',
  })
})

test('a token is taken from the file CONSUL_HTTP_TOKEN_FILE, which wins over CONSUL_HTTP_TOKEN', async () => {
  writeFileSync(file('token'), `${management}\n`)
  const env = { CONSUL_HTTP_TOKEN_FILE: file('token'), CONSUL_HTTP_TOKEN: randomUUID() }

  expect(await run(`consul://${address}/${namespace}`, env)).toEqual({
    status: 0,
    stdout: `consul://${address}/${namespace}\n`,
    stderr: '',
  })
})

test('without a token the exit is 69, and the rule that is missing is named', async () => {
  const { status, stdout, stderr } = await run(`consul://${address}/`, {})

  expect({ status, stdout }).toEqual({ status: 69, stdout: '' })
  expect(stderr).toMatch(/^leasehold: .*session.*write.*\n$/)
})

test('with a token that Consul does not know the exit is 69, and the token is not shown', async () => {
  const stranger = randomUUID()
  const { status, stderr } = await run(`consul://${address}/`, { CONSUL_HTTP_TOKEN: stranger })

  expect(status).toBe(69)
  expect(stderr).toMatch(/^leasehold: .*no such token.*\n$/)
  expect(stderr).not.toContain(stranger)
})

test('a token that may open sessions and not write keys is refused, and the rule for the key is named', async () => {
  const token = await tokenOf('session_prefix "" { policy = "write" }')
  const { status, stderr } = await run(`consul://${address}/${namespace}`, { CONSUL_HTTP_TOKEN: token })

  expect(status).toBe(69)
  expect(stderr).toMatch(new RegExp(`^leasehold: .*key_prefix "${namespace}.*write.*\\n$`))
  expect(stderr).not.toContain(token)
})

test('ls with a token that may not read the keys is refused, and names the rule, rather than showing nobody', async () => {
  const holding = await run(`consul://${address}/${namespace}`, { CONSUL_HTTP_TOKEN: management })
  expect(holding.status).toBe(0)
  const url = `consul://${address}/${namespace}`
  const ls = async (rules: string) => {
    const env = { ...nothing, CONSUL_HTTP_TOKEN: await tokenOf(rules) }
    return leasehold(['ls', '--url', url], { env }).ended
  }

  const { status, stderr } = await ls('session_prefix "" { policy = "write" }')
  expect(stderr).toMatch(new RegExp(`^leasehold: .*the token needs key_prefix "${namespace}" .*read.*\\n$`))
  expect(status).toBe(69)
  const rules = `session_prefix "" { policy = "write" } key_prefix "${namespace}" { policy = "read" }`
  expect(await ls(rules)).toMatchObject({ status: 0, stderr: 'leasehold: nobody holds or waits\n' })
})

test('ls and leader work with a token that may only read, and show who holds; run with it is refused', async () => {
  const client = await connect(consulSource({ endpoints: [address], namespace, token: management }))
  onTestFinished(() => client.close())
  await client.election('boss').campaign({ value: 'host-1' })
  await client.mutex('job').acquire()
  const env = {
    ...nothing,
    CONSUL_HTTP_TOKEN: await tokenOf(`key_prefix "${namespace}" { policy = "read" }`),
  }
  const at = { ...env, LEASEHOLD_URL: `consul://${address}/${namespace}` }
  const command = (...args: string[]) => leasehold(args, { env: at }).ended

  expect(await command('leader', 'boss')).toEqual({ status: 0, stdout: 'host-1\n', stderr: '' })
  const ls = await command('ls')
  expect(ls).toMatchObject({ status: 0, stderr: '' })
  expect(ls.stdout).toMatch(/^boss .*\n.*|^job /m)
  const run = await command('run', 'x', '--', 'true')
  expect(run.stderr).toMatch(/^leasehold: .*the token needs session_prefix "" \{ policy = "write" \}\n$/)
  expect(run.status).toBe(69)
})

test('leader with a token that may not read the keys, and ls of more than it may read, are refused', async () => {
  const client = await connect(consulSource({ endpoints: [address], namespace: '', token: management }))
  onTestFinished(() => client.close())
  await client.mutex(`${namespace}a`).acquire()
  await client.mutex('other').acquire()
  const refused = async (rules: string, ...args: string[]) => {
    const env = { ...nothing, CONSUL_HTTP_TOKEN: await tokenOf(rules) }
    const { status, stdout, stderr } = await leasehold([...args, '--url', `consul://${address}/`], { env })
      .ended
    expect({ status, stdout }).toEqual({ status: 69, stdout: '' })
    return stderr
  }
  const none = 'session_prefix "" { policy = "write" }'
  expect(await refused(none, 'leader', 'boss')).toMatch(
    /the token needs key_prefix "boss\/" \{ policy = "read" \}\n$/,
  )
  const part = `key_prefix "${namespace}" { policy = "read" }`
  expect(await refused(part, 'ls')).toMatch(/the token needs key_prefix "" \{ policy = "read" \}\n$/)
})

test('sessions on one node and keys under the namespace are all that a token has to allow', async () => {
  const node = consul.members[0].name
  const rules = `session "${node}" { policy = "write" } key_prefix "${namespace}" { policy = "write" }`
  const token = await tokenOf(rules)

  expect(await run(`consul://${address}/${namespace}`, { CONSUL_HTTP_TOKEN: token })).toMatchObject({
    status: 0,
    stderr: '',
  })
})

test('a token that is deleted and comes back ends no candidate: both get the error, and one of them leads', async () => {
  const token = await tokenOf('session_prefix "" { policy = "write" } key_prefix "" { policy = "write" }')
  const stop = new AbortController()
  const candidates = await Promise.all([1, 2].map(() => candidateWith(token, stop.signal)))
  await until(async () => candidates.some(({ terms }) => terms === 1), { describe: () => 'a leader' })

  const { AccessorID, Policies } = await readToken(token)
  await requireConsul(['acl', 'token', 'delete', `-id=${AccessorID}`])
  await until(async () => candidates.every(({ errors }) => errors.includes('LEASEHOLD_REFUSED')), {
    deadlineMs: 40_000,
    describe: () => JSON.stringify(candidates),
  })
  await requireConsul(['acl', 'token', 'create', `-secret=${token}`, `-policy-id=${Policies[0]?.ID}`])
  const led = (): number => candidates.reduce((sum, { terms }) => sum + terms, 0)
  expect(led()).toBe(1)
  // Nobody could end the session of the first leader: Consul ends it itself, after up to twice its 10 s.
  await until(async () => led() > 1, { deadlineMs: 30_000, describe: () => JSON.stringify(candidates) })
  expect(candidates.map(({ ended }) => ended)).toEqual([false, false])
  stop.abort()
}, 80_000)

/** A candidate under `lead`, in a client of its own: its terms, the codes of its errors, and whether `lead` has ended. */
async function candidateWith(token: string, signal: AbortSignal) {
  const source = consulSource({ endpoints: [address], namespace, token, lockDelayMs: 1_000 })
  const client = await connect(source, { ttlMs: 10_000 })
  onTestFinished(() => client.close())
  const candidate = { terms: 0, errors: [] as unknown[], ended: false }
  const work = async (term: { readonly signal: AbortSignal }): Promise<void> => {
    candidate.terms += 1
    await once(term.signal, 'abort')
  }
  const onError = (error: unknown): void => void candidate.errors.push((error as { code?: string }).code)
  const ending = client.election('x').lead(work, { signal, onError })
  const ended = (): void => {
    candidate.ended = true
  }
  ending.then(ended, ended)
  return candidate
}

interface AclToken {
  readonly AccessorID: string
  readonly Policies: readonly { readonly ID: string }[]
}

async function readToken(secret: string): Promise<AclToken> {
  const all = JSON.parse(await requireConsul(['acl', 'token', 'list', '-format=json']))
  for (const { AccessorID } of all) {
    const read = JSON.parse(
      await requireConsul(['acl', 'token', 'read', `-id=${AccessorID}`, '-format=json']),
    )
    if (read.SecretID === secret) return read
  }
  throw new Error('no such token')
}

test.each(['', 'http://'])('consul: is where CONSUL_HTTP_ADDR says: %shost:port', async (scheme) => {
  const env = { CONSUL_HTTP_ADDR: `${scheme}${address}`, CONSUL_HTTP_TOKEN: management }
  expect(await run('consul:', env)).toEqual({ status: 0, stdout: `consul://${address}/\n`, stderr: '' })
})

test('a command that leasehold runs over a Unix socket can run another by LEASEHOLD_URL', async () => {
  const env = { ...nothing, CONSUL_HTTP_ADDR: `unix://${socket}`, CONSUL_HTTP_TOKEN: management }
  const inner = ['$0', '$1', 'run', 'y', '--', 'sh', '-c', "'echo $LEASEHOLD_URL'"].join(' ')
  const outer = ['sh', '-c', `CONSUL_HTTP_ADDR= ${inner}`, process.execPath, program()]
  const args = ['run', 'x', '--url', `consul:///${namespace}`, '--', ...outer]
  const { status, stdout, stderr } = await leasehold(args, { env }).ended

  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toBe(`consul://unix:${encodeURIComponent(socket)}/${namespace}\n`)
})

test('a datacenter that is there is used, and told in LEASEHOLD_URL', async () => {
  const url = `consul://${address}/${namespace}?dc=dc1`
  const { status, stdout } = await run(url, { CONSUL_HTTP_TOKEN: management })
  expect({ status, stdout }).toEqual({ status: 0, stdout: `${url}\n` })
})

test('a datacenter that is not there is an error that says so', async () => {
  const { status, stderr } = await run(`consul://${address}/?dc=nowhere`, { CONSUL_HTTP_TOKEN: management })
  expect(status).toBe(69)
  expect(stderr).toMatch(/^leasehold: .*datacenter.*\n$/)
})

test('with TLS both sides are known by their certificates', async () => {
  const env = { ...certificates(), CONSUL_HTTP_TOKEN: management }
  expect(await run(`consuls://${secure}/${namespace}`, env)).toEqual({
    status: 0,
    stdout: `consuls://${secure}/${namespace}\n`,
    stderr: '',
  })
})

test('consul: turns to TLS where CONSUL_HTTP_SSL says so, with the authorities in the folder CONSUL_CAPATH', async () => {
  const { CONSUL_CACERT, ...own } = certificates()
  const place = { CONSUL_HTTP_ADDR: secure, CONSUL_HTTP_SSL: 'true', CONSUL_CAPATH: folder.path }
  const { status, stdout } = await run('consul:', { ...own, ...place, CONSUL_HTTP_TOKEN: management })
  expect({ status, stdout }).toEqual({ status: 0, stdout: `consuls://${secure}/\n` })
})

test.each([
  ['consul: with a port that speaks TLS', () => `consul://${secure}/`],
  ['consuls: with a port without TLS', () => `consuls://${address}/`],
])('%s says what to try', async (_, url) => {
  const { status, stderr } = await run(url(), { CONSUL_HTTP_TOKEN: management })
  expect(stderr).toMatch(/^leasehold: .*is the scheme right \(consul: without TLS, consuls: with TLS\)\?\n$/)
  expect(status).toBe(69)
})

test.each([
  ['a server whose authority nobody vouches for', { CONSUL_CACERT: '' }],
  ['a server under another name', { CONSUL_TLS_SERVER_NAME: 'server.dc2.consul' }],
  ['a client that shows no certificate', { CONSUL_CLIENT_CERT: '', CONSUL_CLIENT_KEY: '' }],
])('%s gets no further: the exit is 69', async (_, change) => {
  const env = { ...certificates(), ...change, CONSUL_HTTP_TOKEN: management }
  const { status, stdout, stderr } = await run(`consuls://${secure}/`, env)

  expect({ status, stdout }).toEqual({ status: 69, stdout: '' })
  expect(stderr).toMatch(/^leasehold: .*consul at 127\.0\.0\.1:\d+: .*certificate.*\n$/)
  expect(stderr).not.toContain(management)
})

test.each([
  ['under the name it has', { CONSUL_TLS_SERVER_NAME: 'server.dc1.consul' }],
  ['that nobody verifies', { CONSUL_CACERT: '', CONSUL_HTTP_SSL_VERIFY: 'false' }],
])('TLS reaches a server %s', async (_, change) => {
  const env = { ...certificates(), ...change, CONSUL_HTTP_TOKEN: management }
  expect(await run(`consuls://${secure}/${namespace}`, env)).toMatchObject({ status: 0, stderr: '' })
})

test('a proxy that asks for a password gets that of CONSUL_HTTP_AUTH, and none other gets through', async () => {
  const login = `Basic ${Buffer.from('cron:correct:horse').toString('base64')}`
  const url = `consul://${await proxy(login)}/${namespace}`
  const token = { CONSUL_HTTP_TOKEN: management }

  const right = await run(url, { ...token, CONSUL_HTTP_AUTH: 'cron:correct:horse' })
  expect(right).toEqual({ status: 0, stdout: `${url}\n`, stderr: '' })
  const wrong = await run(url, { ...token, CONSUL_HTTP_AUTH: 'cron:battery:staple' })
  expect(wrong).toMatchObject({ status: 69, stdout: '' })
  expect(wrong.stderr).toMatch(/^leasehold: .*401.*\n$/)
  const encoded = Buffer.from('cron:battery:staple').toString('base64')
  for (const secret of ['battery', 'staple', encoded]) expect(wrong.stderr).not.toContain(secret)
})

/** A proxy in front of Consul that lets only those through who log in; resolves with its address. */
async function proxy(login: string): Promise<string> {
  const server = createServer((incoming, response) => {
    const { method, url: path, headers } = incoming
    if (headers.authorization !== login)
      return response.writeHead(401).end(`${headers.authorization} is wrong`)
    const [host, port] = address.split(':')
    const { 'x-consul-token': token = '' } = headers
    const passed = request({ host, port, method, path, headers: { 'x-consul-token': token } }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    incoming.pipe(passed)
  })
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A token that may do all that locks need, and two ways to take that back. */
async function revocable() {
  const token = await tokenOf('session_prefix "" { policy = "write" } key_prefix "" { policy = "write" }')
  const { AccessorID, Policies } = await readToken(token)
  const ofPolicy = [`-id=${Policies[0]?.ID}`, '-rules=key_prefix "" { policy = "read" }']
  return {
    token,
    revoke: () => requireConsul(['acl', 'token', 'delete', `-id=${AccessorID}`]),
    narrow: () => requireConsul(['acl', 'policy', 'update', ...ofPolicy]),
  }
}

test('a token that was replaced in its file is used as soon as Consul refuses the old one', async () => {
  const [first, second] = [await revocable(), await revocable()]
  writeFileSync(file('rotated'), first.token)
  const variables = { CONSUL_HTTP_TOKEN_FILE: file('rotated') }
  const client = await connect(consulFromUrl(`consul://${address}/${namespace}`, variables))
  onTestFinished(() => client.close())
  const hold = await client.mutex('a').acquire()

  writeFileSync(file('rotated'), second.token)
  await first.revoke()

  await hold.verify()
  await hold.release()
  expect((await client.mutex('a').acquire()).held).toBe(true)
})

test('a token file that is gone or unchanged is no way out: the refusal comes at once, and is not repeated', async () => {
  const { token, revoke } = await revocable()
  writeFileSync(file('revoked'), token)
  const variables = { CONSUL_HTTP_TOKEN_FILE: file('revoked') }
  const client = await connect(consulFromUrl(`consul://${address}/${namespace}`, variables))
  onTestFinished(() => client.close())
  await revoke()
  const refused = { code: 'LEASEHOLD_REFUSED' }
  await expect(client.mutex('a').acquire({ waitMs: 5_000 })).rejects.toMatchObject(refused)
  rmSync(file('revoked'))
  await expect(client.mutex('a').acquire({ waitMs: 5_000 })).rejects.toMatchObject(refused)
})

test('a hold that is lost for want of permission says so, and does not speak of lost contact', async () => {
  const [gone, narrowed] = [await revocable(), await revocable()]
  const client = await connect(
    consulSource({ endpoints: [address], namespace, token: gone.token, lockDelayMs: 20_000 }),
    { ttlMs: 10_000 },
  )
  onTestFinished(() => client.close())
  const hold = await client.mutex('library').acquire()
  const env = { ...nothing, CONSUL_HTTP_TOKEN: narrowed.token }
  const args = ['run', 'command', '--ttl', '10s', '--url', `consul://${address}/${namespace}`]
  const run = leasehold([...args, '--', 'sh', '-c', 'echo held; exec sleep 60'], { env })
  await run.says(/held/)

  await gone.revoke()
  await narrowed.narrow()
  if (!hold.signal.aborted) await once(hold.signal, 'abort')
  expect(hold.signal.reason.message).toMatch(/^hold lost: not renewed for .*\(403\): there is no such token$/)
  const { status, stderr } = await run.ended
  expect(stderr).toMatch(/Permission denied.*the token needs session.*write.*; stopping the command/)
  expect(stderr).not.toMatch(/no contact/)
  expect(status).toBe(70)
}, 60_000)

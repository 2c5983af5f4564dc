// `leasehold doctor` on real servers: an etcd with users, and a Consul with tokens and certificates.
import { expect, test } from 'vitest'
import { consulFromUrl } from '../../../src/backends/consul/index.ts'
import { etcd as etcdSource } from '../../../src/backends/etcd/index.ts'
import { systemClock } from '../../../src/base/clock.ts'
import type { Finding } from '../../../src/base/finding.ts'
import type { BackendSource } from '../../../src/contract.ts'
import { useEtcd } from '../../servers/etcd.ts'
import { freeze } from '../../servers/freeze.ts'
import { nothing, useGuardedConsul } from '../../servers/guarded-consul.ts'
import { leasehold } from '../leasehold.ts'

const root = { user: 'root', password: 'correct:horse' } as const
const etcd = useEtcd({ auth: root })
const consul = useGuardedConsul()

async function examine(source: BackendSource, name = 'job'): Promise<readonly Finding[]> {
  const { signal } = new AbortController()
  const examined = await source.examine?.({ clock: systemClock(), ttlMs: 15_000, name, signal })
  return examined?.findings ?? []
}

const grants = (findings: readonly Finding[]): Record<string, string> =>
  Object.fromEntries(
    findings.filter(({ check }) => check === 'permission').map(({ about, level }) => [about, level]),
  )

async function etcdUser(
  username: string,
  rules: string[][],
): Promise<{ username: string; password: string }> {
  const password = 'battery staple'
  const steps = [
    ['user', 'add', `${username}:${password}`],
    ['role', 'add', username],
    ...rules.map((rule) => ['role', 'grant-permission', username, ...rule]),
    ['user', 'grant-role', username, username],
  ]
  for (const step of steps) expect(await etcd.cluster.etcdctl(step)).toMatchObject({ code: 0 })
  return { username, password }
}

function asRoot(namespace = ''): BackendSource {
  const auth = { username: root.user, password: root.password }
  return etcdSource({ endpoints: etcd.cluster.endpoints, namespace, auth })
}

/** Revision and leases of the store: each key that is written or deleted moves the revision on. */
async function traces(): Promise<string> {
  const { stdout } = await etcd.cluster.etcdctl(['get', 'x', '-w', 'json'])
  return JSON.parse(stdout).header.revision
}

test('etcd: the whole command is healthy for a user with all permissions, and writes no key', async () => {
  const before = await traces()
  const env = { ETCDCTL_USER: `${root.user}:${root.password}` }

  const { status, stdout } = await leasehold(['doctor', 'job', '--url', etcd.cluster.url('ns')], { env })
    .ended

  expect(stdout).toMatch(/^ok +endpoint, 127\.0\.0\.1:\d+: etcd 3\.\d+\.\d+ answered in/m)
  expect(stdout).toMatch(/^warning +version, etcd-io\/etcd#15247: .*\n +-> .*lockDelayMs=15000/m)
  expect(stdout).toMatch(/^ok +credentials: logged in as "root"/m)
  expect(stdout).toMatch(/^ok +watch: began/m)
  expect(stdout).toMatch(/^ok +clock: .* give or take \d+ ms$/m)
  expect(stdout).toMatch(/free after 10 s to 15\.5 s/)
  expect(stdout).toMatch(/^ok +session: opened/m)
  expect(stdout).not.toContain('horse')
  expect(status).toBe(0)
  expect(await traces()).toBe(before)
  expect((await etcd.cluster.etcdctl(['lease', 'list'])).stdout).toMatch(/found 0 leases/)
})

test('etcd: the session that a killed doctor leaves has no keys, and ends after its time to live', async () => {
  const { signal } = new AbortController()
  const backend = await asRoot('ns').open(systemClock())
  const { id } = await backend.createSession(5_000, signal) // the one change that a doctor makes

  const { stdout } = await etcd.cluster.etcdctl(['lease', 'timetolive', '--keys', id.padStart(16, '0')])

  expect(stdout).toMatch(/granted with TTL\(5s\), remaining\([0-5]s\), attached keys\(\[\]\)/)
  await backend.destroySession(id, signal)
  await backend.close()
})

test('etcd: a role that may only read is told which verbs lack which permission', async () => {
  const auth = await etcdUser('reader', [['read', 'ns/', 'ns0']])
  const source = etcdSource({ endpoints: etcd.cluster.endpoints, namespace: 'ns/', auth })

  const findings = await examine(source)

  expect(grants(findings)).toEqual({
    leader: 'ok',
    ls: 'ok',
    'run and lead': 'problem',
    break: 'problem',
    'cron, and checkpoints': 'problem',
  })
  const refused = findings.find(({ about }) => about === 'run and lead')
  expect(refused?.text).toMatch(
    /permission denied: the request writes the key "ns\/job\/[^"]+"; the user needs the permission readwrite on "ns\/" to "ns0"/,
  )
})

test('etcd: a role for the claims of one name alone lacks the records that an acquire reads', async () => {
  const auth = await etcdUser('half', [['readwrite', 'job/', 'job0']])
  const findings = await examine(etcdSource({ endpoints: etcd.cluster.endpoints, auth }))
  expect(grants(findings)).toEqual({
    leader: 'ok',
    break: 'ok',
    'run and lead': 'problem',
    'cron, and checkpoints': 'problem',
    ls: 'problem',
  })
  expect(findings.find(({ check }) => check === 'watch')?.level).toBe('ok')
})

test('etcd: a wrong password and a missing login are problems of the credentials', async () => {
  const wrong = etcdSource({
    endpoints: etcd.cluster.endpoints,
    auth: { username: 'root', password: 'wrong' },
  })
  const found = await examine(wrong)
  expect(found.find(({ check }) => check === 'credentials')).toMatchObject({
    level: 'problem',
    text: expect.stringContaining('authentication failed'),
    next: expect.stringContaining('ETCDCTL_USER'),
  })
  expect(JSON.stringify(found)).not.toContain('"wrong"')
  const none = await examine(etcdSource({ endpoints: etcd.cluster.endpoints }))
  expect(none.find(({ about }) => about === 'run and lead')).toMatchObject({
    level: 'problem',
    text: expect.stringContaining('user name is empty'),
  })
})

test('etcd: one endpoint that hangs is a problem, and the others are examined', async () => {
  const { createServer } = await import('node:net')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const hangs = `127.0.0.1:${(server.address() as { port: number }).port}`
  const auth = { username: root.user, password: root.password }
  const endpoints = [hangs, ...etcd.cluster.endpoints, '127.0.0.1:1']
  const findings = await examine(etcdSource({ endpoints, auth }))
  const levels = findings.filter(({ check }) => check === 'endpoint').map(({ level }) => level)
  expect(levels).toEqual(['problem', 'ok', 'problem'])
  expect(Object.values(grants(findings))).toEqual(['ok', 'ok', 'ok', 'ok', 'ok'])
  server.close()
})

test('etcd: TLS to a port without TLS is a problem that asks for the right scheme', async () => {
  const findings = await examine(etcdSource({ endpoints: etcd.cluster.endpoints, tls: true }))
  expect(findings[0]).toMatchObject({
    level: 'problem',
    text: expect.stringMatching(/TLS connection was established; .*is the scheme right/),
  })
})

test('etcd: a member that is stopped counts as silent', async () => {
  await freeze(etcd.cluster.members[0])
  const findings = await examine(asRoot())
  expect(findings[0]).toMatchObject({ level: 'problem', text: expect.stringContaining('no answer within') })
})

/** A Consul at this address, with these variables. */
function consulSource(env: Record<string, string>, url = `consul://${consul.address}/${consul.namespace}`) {
  return consulFromUrl(url, { ...nothing, ...env })
}

const index = async (): Promise<string> => {
  const { ask } = await import('../../../tools/servers/loopback.mjs')
  const answer = await ask(`http://${consul.address}/v1/kv/?recurse`, {
    headers: { 'x-consul-token': consul.management },
  })
  return `${answer?.status} ${answer?.body}`
}

test('Consul: the whole command is healthy for the management token, and writes no key', async () => {
  const before = await index()
  const env = { ...nothing, CONSUL_HTTP_TOKEN: consul.management }
  const url = `consul://${consul.address}/${consul.namespace}`

  const { status, stdout } = await leasehold(['doctor', 'job', '--url', url], { env }).ended

  expect(stdout).toMatch(/^ok +endpoint, 127\.0\.0\.1:\d+: Consul 1\.\d+\.\d+, a server, answered in/m)
  expect(stdout).toMatch(/^ok +credentials: the token is known, with the policies: global-management/m)
  expect(stdout).toMatch(/free after 45 s to 60 s, of which 30 s are the lock-delay/)
  expect(stdout).toMatch(/^ok +session: opened/m)
  expect(stdout).toMatch(/^ok +time to live: by the lock-delay of 30 s a hold counts for 27 s/m)
  expect(stdout).not.toContain(consul.management)
  expect(status).toBe(0)
  expect(await index()).toBe(before)
})

test('Consul: a token that may not write keys is told which verbs lack which rule', async () => {
  const CONSUL_HTTP_TOKEN = await consul.tokenOf(
    'key_prefix "" { policy = "read" } session_prefix "" { policy = "write" }',
  )
  const findings = await examine(consulSource({ CONSUL_HTTP_TOKEN }))
  expect(grants(findings)).toEqual({
    leader: 'ok',
    ls: 'ok',
    'run and lead': 'problem',
    break: 'problem',
    'cron, and checkpoints': 'problem',
  })
  const refused = findings.find(({ about }) => about === 'run and lead')
  expect(refused?.text).toContain(`the token needs key_prefix "${consul.namespace}job/" { policy = "write" }`)
  expect(findings.find(({ check }) => check === 'version')).toMatchObject({ level: 'note' })
})

test('Consul: a token without sessions is told so by the session', async () => {
  const token = await consul.tokenOf('key_prefix "" { policy = "write" }')
  const env = { ...nothing, CONSUL_HTTP_TOKEN: token }
  const { status, stdout } = await leasehold(['doctor', '--url', `consul://${consul.address}/`], { env })
    .ended
  expect(stdout).toMatch(/^problem +session: .*the token needs session_prefix "" \{ policy = "write" \}/m)
  expect(status).toBe(1)
})

test('Consul: a token that does not exist is a problem of the credentials', async () => {
  const findings = await examine(consulSource({ CONSUL_HTTP_TOKEN: '00000000-0000-4000-8000-000000000000' }))
  expect(findings.find(({ check }) => check === 'credentials')).toMatchObject({
    level: 'problem',
    next: expect.stringContaining('CONSUL_HTTP_TOKEN'),
  })
  expect(grants(findings)).toEqual({})
})

test('Consul: with TLS the ends of both certificates are told, with the authority that ends first', async () => {
  const findings = await examine(consulSource(consul.certificates(), `consuls://${consul.secure}/`))
  const found = findings.filter(({ check }) => check === 'certificate')
  expect(found.map(({ about, level }) => [about, level])).toEqual([
    [consul.secure, 'ok'],
    ['client', 'ok'],
  ])
  for (const { data } of found) expect(data?.daysLeft).toBeGreaterThan(300)
})

test('Consul: a server that wants a certificate is a problem that says so', async () => {
  const CONSUL_CACERT = consul.file('consul-agent-ca.pem')
  const findings = await examine(consulSource({ CONSUL_CACERT }, `consuls://${consul.secure}/`))
  expect(findings[0]).toMatchObject({
    check: 'endpoint',
    level: 'problem',
    text: expect.stringContaining('certificate'),
  })
})

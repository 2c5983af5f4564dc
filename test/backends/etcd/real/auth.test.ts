// Bad addresses, bad passwords, missing permissions, and tokens that expire while streams are open.
import { expect, onTestFinished, test } from 'vitest'
import { etcd as etcdSource } from '../../../../src/backends/etcd/index.ts'
import { connect, type Hold } from '../../../../src/index.ts'
import { freePorts } from '../../../../tools/servers/loopback.mjs'
import { until } from '../../../../tools/servers/wait.mjs'
import { type Ending, leasehold, program } from '../../../cli/leasehold.ts'
import { freshNamespace, open, useEtcd } from '../../../servers/etcd.ts'
import { freeze } from '../../../servers/freeze.ts'

const root = { user: 'root', password: 'correct:horse' } as const
const etcd = useEtcd({ auth: root, extraArgs: ['--auth-token-ttl=3'] })

interface Login {
  readonly username: string
  readonly password: string
}

/** A user with one permission under a prefix, and with no others. */
async function userOf(prefix: string, access = 'readwrite'): Promise<Login> {
  const username = `${access}-${prefix.replace('/', '')}`
  const password = 'battery staple'
  for (const args of [
    ['user', 'add', `${username}:${password}`],
    ['role', 'add', username],
    ['role', 'grant-permission', username, access, prefix, prefix.replace(/\/$/, '0')],
    ['user', 'grant-role', username, username],
  ]) {
    expect(await etcd.cluster.etcdctl(args)).toMatchObject({ code: 0 })
  }
  return { username, password }
}

function source(namespace: string, auth: Login) {
  return etcdSource({ endpoints: etcd.cluster.endpoints, namespace, auth })
}

async function lineOf(namespace: string, name: string, length: number): Promise<void> {
  const args = ['get', '--prefix', '--keys-only', `${namespace}${name}/`]
  const keys = async () => (await etcd.cluster.etcdctl(args)).stdout.split('\n').filter(Boolean)
  await until(async () => (await keys()).length === length, { describe: () => `${length} claims` })
}

test('if no server listens, connect fails soon and names the address', async () => {
  const [port] = await freePorts(1)
  const began = performance.now()

  const error = await connect(`etcd://127.0.0.1:${port}/`).catch((reason: unknown) => reason)

  expect(error).toMatchObject({ code: 'LEASEHOLD_UNAVAILABLE' })
  expect((error as Error).message).toContain(`127.0.0.1:${port}`)
  expect(performance.now() - began).toBeLessThan(15_000)
})

test('a server that hangs is unavailable too', async () => {
  const [member] = etcd.cluster.members
  await freeze(member)

  const error = await connect(etcd.cluster.url(), { ttlMs: 3_000 }).catch((reason: unknown) => reason)

  expect(error).toMatchObject({ code: 'LEASEHOLD_UNAVAILABLE' })
  expect((error as Error).message).toContain(member.endpoint)
})

test('one address of two is enough', async () => {
  const [port] = await freePorts(1)
  const { username, password } = await userOf('two/')
  const endpoints = [`127.0.0.1:${port}`, ...etcd.cluster.endpoints]
  const client = await open(etcdSource({ endpoints, namespace: 'two/', auth: { username, password } }))

  expect((await client.mutex('a').acquire()).held).toBe(true)
})

test.for([
  ['a wrong password', { username: 'root', password: 'wrong horse' }],
  ['an unknown user', { username: 'nobody', password: 'wrong horse' }],
] as const)('%s is refused at once, and is not repeated in the error', async ([, auth]) => {
  const began = performance.now()
  const error = await connect(source('', auth)).catch((reason: unknown) => reason)

  expect(error).toMatchObject({ code: 'LEASEHOLD_REFUSED' })
  expect(performance.now() - began).toBeLessThan(3_000)
  expect(everything(error)).not.toContain('wrong horse')
})

test('a client that does not log in is refused', async () => {
  const asked = connect(etcd.cluster.url('x')).then(async (client) => {
    onTestFinished(() => client.close())
    await client.mutex('a').acquire()
  })

  await expect(asked).rejects.toMatchObject({ code: 'LEASEHOLD_REFUSED' })
})

test('a permission on the namespace alone is enough for everything that Leasehold does', async () => {
  const namespace = freshNamespace()
  const auth = await userOf(namespace)
  const [one, other] = [await open(source(namespace, auth)), await open(source(namespace, auth))]

  const hold = await one.mutex('a').acquire()
  await hold.checkpoint('text')
  expect(await other.mutex('a').tryAcquire()).toBeUndefined()
  const waiting = other.mutex('a').acquire()
  await lineOf(namespace, 'a', 2)
  await hold.release()
  const next = await waiting
  await next.verify()
  expect(await other.mutex('a').readCheckpoint()).toBe('text')
  const permits = [1, 2, 3].map(() => one.semaphore('b', { permits: 2 }).acquire())
  const [permit] = await Promise.all(permits.slice(0, 2))
  await permit?.release()
  expect((await permits[2])?.held).toBe(true)
  const timed = await one
    .mutex('a')
    .acquire({ waitMs: 50 })
    .catch((error: unknown) => error)
  expect((timed as Error).message).toContain('held by')
})

/** The command as this user. */
function as({ username, password }: Login, namespace: string, ...args: string[]): Promise<Ending> {
  const env = { ETCDCTL_USER: `${username}:${password}`, LEASEHOLD_URL: etcd.cluster.url(namespace) }
  return leasehold(args, { env }).ended
}

test('a role with readwrite on ns/ to ns0 lets the command do everything', async () => {
  const namespace = freshNamespace()
  const user = await userOf(namespace)
  const command = (...args: string[]) => as(user, namespace, ...args)
  const tell = ['--', 'sh', '-c', 'echo "$LEASEHOLD_TOKEN"']
  const ran = await command('run', 'job', ...tell)
  expect(ran).toMatchObject({ status: 0, stderr: '' })
  expect(await command('run', 'pool', '--permits', '2', ...tell)).toMatchObject({ status: 0, stderr: '' })
  const cron = await command('cron', 'nightly', '--schedule', '* * * * *', '--now', ...tell)
  expect(cron).toMatchObject({ status: 0, stderr: '' })
  expect(await command('ls')).toMatchObject({ status: 0 })
  expect(await command('leader', 'boss')).toMatchObject({ stderr: 'leasehold: nobody leads "boss"\n' })
  const inside = [process.execPath, program(), 'break', 'job', '--token']
  const broken = await command(
    'run',
    'job',
    '--',
    'sh',
    '-c',
    `${inside.join(' ')} "$LEASEHOLD_TOKEN"; sleep 60`,
  )
  expect(broken).toMatchObject({ status: 70 })
})

test('ls and leader work for a user who may only read; run is refused and names the permission and the keys', async () => {
  const namespace = freshNamespace()
  const writer = await open(source(namespace, await userOf(namespace)))
  await writer.election('boss').campaign({ value: 'host-1' })
  await writer.mutex('job').acquire()
  const reader = await userOf(namespace, 'read')
  expect(await as(reader, namespace, 'leader', 'boss')).toEqual({ status: 0, stdout: 'host-1\n', stderr: '' })
  const ls = await as(reader, namespace, 'ls')
  expect(ls).toMatchObject({ status: 0, stderr: '' })
  expect(ls.stdout).toMatch(/^boss .*\n.*|^job /m)

  const keys = `"${namespace}[^"]*" to "${namespace.slice(0, -1)}[^"]*"`
  const needs = (access: string): RegExp =>
    new RegExp(`the user needs the permission ${access} on ${keys}\\n$`)
  const run = await as(reader, namespace, 'run', 'x', '--', 'true')
  expect(run.stderr).toMatch(needs('readwrite'))
  expect(run.status).toBe(69)
  const stranger = await userOf(freshNamespace())
  const refused = await as(stranger, namespace, 'ls')
  expect(refused.stderr).toMatch(needs('read'))
  expect(refused).toMatchObject({ status: 69, stdout: '' })
})

test.for(['acquire', 'tryAcquire', 'readCheckpoint'] as const)(
  'without permission, %s is refused at once',
  async (verb) => {
    const auth = await userOf(freshNamespace())
    const client = await open(source('elsewhere/', auth))
    const began = performance.now()

    const error = await client
      .mutex('a')
      [verb]()
      .catch((reason: unknown) => reason)

    expect(error).toMatchObject({ code: 'LEASEHOLD_REFUSED' })
    expect(performance.now() - began).toBeLessThan(3_000)
    expect(everything(error)).not.toContain(auth.password)
  },
)

test('holders and waiters outlive the token of their login', { timeout: 40_000 }, async () => {
  const namespace = freshNamespace()
  const auth = await userOf(namespace)
  const holder = await open(source(namespace, auth), { ttlMs: 4_000 })
  const waiter = await open(source(namespace, auth), { ttlMs: 4_000 })
  const hold = await holder.mutex('a').acquire()
  const waiting = waiter.mutex('a').acquire()
  await lineOf(namespace, 'a', 2)

  const end = performance.now() + 15_000
  const passed = async () => hold.signal.aborted || performance.now() > end
  await until(passed, { describe: () => 'four lives of a token', deadlineMs: 20_000 })
  expect(hold.held).toBe(true)
  await hold.verify()
  const again = waiter.mutex('b').acquire()
  const released = performance.now()
  await hold.release()

  await (await waiting).verify()
  expect(performance.now() - released).toBeLessThan(2_000)
  expect(((await again) as Hold).held).toBe(true)
})

test('when a server with passwords hangs and comes back, no rejection is unhandled', async () => {
  const namespace = freshNamespace()
  const auth = await userOf(namespace)
  const [holder, waiter] = [await open(source(namespace, auth)), await open(source(namespace, auth))]
  const hold = await holder.mutex('a').acquire()
  const waiting = waiter.mutex('a').acquire()
  await lineOf(namespace, 'a', 2)

  await etcd.cluster.members[0].kill()
  // Long enough for several tries of a stream whose login fails.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  await etcd.cluster.members[0].restart()
  await hold.release()

  await (await waiting).verify()
})

/** The messages of an error and of its causes. */
function everything(error: unknown): string {
  const parts: string[] = []
  for (let each = error; each instanceof Error; each = each.cause) {
    parts.push(String(each.stack), JSON.stringify(each, Object.getOwnPropertyNames(each)))
  }
  return parts.join('\n')
}

test('if etcd permits only some names of a group, the error names the key of the other one, and none is held', async () => {
  const namespace = freshNamespace()
  const [username, password] = [`some-${namespace.replace('/', '')}`, 'battery staple']
  for (const args of [
    ['user', 'add', `${username}:${password}`],
    ['role', 'add', username],
    ['role', 'grant-permission', username, 'readwrite', namespace, `${namespace}b0`],
    ['user', 'grant-role', username, username],
  ])
    expect(await etcd.cluster.etcdctl(args)).toMatchObject({ code: 0 })
  const client = await connect(source(namespace, { username, password }))
  onTestFinished(() => client.close())

  await expect(client.mutexes(['a', 'b', 'c']).acquire()).rejects.toMatchObject({
    code: 'LEASEHOLD_REFUSED',
    message: expect.stringContaining(`${namespace}c/`),
  })
  for (const name of ['a', 'b']) await lineOf(namespace, name, 0)
  expect((await client.mutexes(['a', 'b']).acquire()).held).toBe(true)
})

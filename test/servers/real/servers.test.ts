// The test servers themselves, on which every test with real etcd and Consul relies. Leasehold is not used here, so a
// failure in this file is never a failure of a lock.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { ownedFolder } from '../../../tools/servers/children.mjs'
import { startCluster } from '../../../tools/servers/cluster.mjs'
import { runCommand } from '../../../tools/servers/command.mjs'
import { ask, freePorts, HOST } from '../../../tools/servers/loopback.mjs'
import type { MemberPlan } from '../../../tools/servers/member.mjs'
import type { EtcdLine, Member } from '../../../tools/servers/run.mjs'
import { ensureServers, startConsul, startEtcd } from '../../../tools/servers/run.mjs'
import { until } from '../../../tools/servers/wait.mjs'

const RUN_MODULE = new URL('../../../tools/servers/run.mjs', import.meta.url).href
const LINES = Object.keys((await ensureServers()).etcd) as EtcdLine[]
const NODE = process.execPath
const evaluate = (script: string) => ['--input-type=module', '--eval', script]
const LIMIT = { timeout: 30_000 }

/** Closes the servers after the test, even if it fails. */
async function closedAfter<T extends { close(): Promise<void> }>(
  { onTestFinished }: TestContext,
  starting: Promise<T>,
): Promise<T> {
  const servers = await starting
  onTestFinished(() => servers.close())
  return servers
}

test.concurrent.for(LINES)('etcd %s answers its own etcdctl', LIMIT, async (line, context) => {
  const etcd = await closedAfter(context, startEtcd({ line }))

  const put = await etcd.etcdctl(['put', 'greeting'], { input: 'hello' })
  const got = await etcd.etcdctl(['get', 'greeting', '--print-value-only'])
  const version = await etcd.etcdctl(['version'])

  expect(put).toMatchObject({ code: 0, stdout: 'OK\n' })
  expect(got.stdout).toBe('hello\n')
  expect(version.stdout).toContain(`etcdctl version: ${etcd.version}`)
  expect(etcd.url('/app/locks')).toBe(`etcd://${etcd.endpoints[0]}/app/locks/`)
})

test.concurrent.for(LINES)(
  'etcd %s refuses clients without a login once authentication is on',
  LIMIT,
  async (line, context) => {
    const auth = { user: 'root', password: 'correct:horse' } as const
    const etcd = await closedAfter(context, startEtcd({ line, auth, extraArgs: ['--auth-token-ttl=3'] }))

    const anonymous = await etcd.etcdctl(['put', 'a', '1'], { user: '' })
    const stranger = await etcd.etcdctl(['put', 'a', '1'], { user: 'root:wrong' })
    const known = await etcd.etcdctl(['put', 'a', '1'])

    expect(anonymous.stderr).toContain('user name is empty')
    expect(stranger.stderr).toContain('invalid user ID or password')
    expect(known.code).toBe(0)
    await expect(etcd.members[0].restart()).resolves.toBeUndefined()
  },
)

test.concurrent.for(LINES)('three etcd %s elect a new leader after kill -9', LIMIT, async (line, context) => {
  const etcd = await closedAfter(context, startEtcd({ line, members: 3 }))
  const first = await etcd.leader()
  await etcd.etcdctl(['put', 'a', 'kept'])

  await first.kill()
  const second = await etcd.leader()
  expect(second).not.toBe(first)
  expect(second.state).toBe('running')

  await first.restart()
  const endpoints = [first.endpoint]
  const got = await etcd.etcdctl(['get', 'a', '--print-value-only'], { endpoints })
  expect(got.stdout).toBe('kept\n')
})

test.concurrent(
  'a frozen etcd leader is replaced, and follows the new one when it goes on',
  LIMIT,
  async (context) => {
    const etcd = await closedAfter(context, startEtcd({ members: 3 }))
    const first = await etcd.leader()

    first.stop()
    expect(await etcd.leader()).not.toBe(first)

    first.cont()
    await first.healthy()
    expect(await etcd.leader()).not.toBe(first)
  },
)

test.concurrent('metrics count the calls of a client', LIMIT, async (context) => {
  const etcd = await closedAfter(context, startEtcd())
  const puts = async () => {
    const samples = [...(await etcd.metrics())]
    const ofPut = samples.filter(([name]) => /^grpc_server_handled_total.*"Put"/.test(name))
    return ofPut.reduce((sum, [, count]) => sum + count, 0)
  }

  await etcd.etcdctl(['put', 'a', '1'])
  await etcd.etcdctl(['put', 'a', '2'])

  expect(await puts()).toBe(2)
})

test.concurrent('Consul answers and survives kill -9', LIMIT, async (context) => {
  const consul = await closedAfter(context, startConsul())
  await consul.consul(['kv', 'put', 'greeting', 'hello'])

  await consul.members[0].restart()

  const got = await consul.consul(['kv', 'get', 'greeting'])
  expect(got).toMatchObject({ code: 0, stdout: 'hello\n' })
  expect((await ask(`${consul.address}/v1/status/leader`))?.status).toBe(200)
})

test.concurrent('three Consul elect a new leader after kill -9', LIMIT, async (context) => {
  const consul = await closedAfter(context, startConsul({ servers: 3 }))
  const first = await consul.leader()

  await first.kill()

  expect(await consul.leader()).not.toBe(first)
})

test.concurrent('close leaves no process and no data folder', LIMIT, async () => {
  const [etcd, consul] = await Promise.all([startEtcd({ members: 3 }), startConsul()])
  const holder = etcd.spawnEtcdctl(['lock', 'printer'])
  const ended = once(holder, 'exit')
  await once(holder.stdout, 'data')
  etcd.members[1]?.stop()
  expect([...etcd.members, ...consul.members].every(isAlive)).toBe(true)

  await Promise.all([etcd.close(), consul.close(), ended])

  expect([...etcd.members, ...consul.members].some(isAlive)).toBe(false)
  expect([etcd.dataDir, consul.dataDir].some(existsSync)).toBe(false)
})

function isAlive({ pid }: Pick<Member, 'pid'>): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test.concurrent.for([
  ['exits', 'process.exit()'],
  ['dies of an error', 'throw new Error("on purpose")'],
])('when a process %s, its servers and their data are removed', LIMIT, async ([, last = '']) => {
  const { child, endpoint, dataDir } = await startElsewhere(last)

  const ended = once(child, 'exit')
  child.stdin.write('now')
  await ended

  await silence(endpoint)
  expect(existsSync(dataDir)).toBe(false)
})

// Only Linux kills a child whose parent was killed, and only there setpriv can ask for it.
const ON_LINUX = { ...LIMIT, concurrent: true, skip: process.platform !== 'linux' }

test('when a process is killed, its servers are killed, too', ON_LINUX, async () => {
  const { child, endpoint, dataDir } = await startElsewhere('')

  child.kill('SIGKILL')

  await silence(endpoint)
  // The data stays behind then, since no process is left that removes it.
  await rm(dataDir, { recursive: true, force: true })
})

/** Starts etcd in a separate process, which does `last` when a line arrives. */
async function startElsewhere(last: string) {
  const script = `
    import { startEtcd } from ${JSON.stringify(RUN_MODULE)};
    const { endpoints: [endpoint], dataDir } = await startEtcd();
    console.log(JSON.stringify({ endpoint, dataDir }));
    process.stdin.once('data', () => { ${last} });`
  const child = spawn(NODE, evaluate(script), { stdio: ['pipe', 'pipe', 'ignore'] })
  const [line] = await once(child.stdout, 'data')
  const { endpoint, dataDir } = JSON.parse(String(line)) as { endpoint: string; dataDir: string }
  return { child, endpoint, dataDir }
}

function silence(endpoint: string): Promise<boolean> {
  const describe = () => `no more answer from ${endpoint}`
  return until(async () => (await ask(`http://${endpoint}/health`)) === undefined, { describe })
}

test.concurrent('a start whose port is taken takes another port', LIMIT, async (context) => {
  const squatter = createServer((socket) => socket.destroy()).listen(0, HOST)
  await once(squatter, 'listening')
  const { port: taken } = squatter.address() as AddressInfo
  const [free = 0] = await freePorts(1)
  const asked: number[] = []

  await closedAfter(
    context,
    startCluster('clash', async (dataDir) => {
      const port = asked.length === 0 ? taken : free
      asked.push(port)
      return [planHttpServer(port, dataDir)]
    }),
  )
  squatter.close()

  expect(asked).toEqual([taken, free])
})

/** The smallest server that can find its port taken. */
function planHttpServer(port: number, dataDir: string): MemberPlan {
  const server = `require('node:http').createServer((_, reply) => reply.end('me'))`
  return {
    name: 'm1',
    file: NODE,
    args: ['--eval', `${server}.listen(${port}, '${HOST}')`],
    endpoint: `${HOST}:${port}`,
    logFile: join(dataDir, 'm1.log'),
    isHealthy: async () => (await ask(`http://${HOST}:${port}`))?.body === 'me',
  }
}

test.concurrent('if no server can be fetched, the error names the packages to install', LIMIT, async () => {
  const cache = ownedFolder('leasehold-no-cache')
  const script = `
    import { ensureServers } from ${JSON.stringify(RUN_MODULE)};
    await ensureServers({ cache: ${JSON.stringify(cache.path)} });`

  const { stderr } = await runCommand(NODE, evaluate(script), { env: { PATH: '' } })
  await cache.remove()

  for (const missing of ['etcd and etcdctl 3.5.x', 'etcd and etcdctl 3.4.x', 'consul 1.8.x']) {
    expect(stderr).toContain(`Put ${missing} into one folder of PATH`)
  }
  expect(stderr).toContain('npm test -- --no-servers')
})

test.concurrent.for([
  ['no Go', undefined, 'there is no go on PATH'],
  ['a Go that is too old', 'echo go1.25.9', 'Go 1.26.0 or newer is needed, and the go on PATH is 1.25.9'],
  [
    'a Go that cannot build them',
    'case $1 in env) echo go1.99.0;; *) echo no modules here >&2; exit 1;; esac',
    'no modules here',
  ],
] as const)(
  'with %s, the builds of Go are left out by name, and the other servers are there',
  LIMIT,
  async ([, go, why]) => {
    const folder = ownedFolder('leasehold-old-cache')
    for (const name of ['etcd-3.5', 'etcd-3.4', 'consul-1.8']) {
      await mkdir(join(folder.path, name))
      await writeFile(join(folder.path, name, 'server.json'), '{"version":"0.0.0"}')
    }
    if (go) await writeFile(join(folder.path, 'go'), `#!/bin/sh\n${go}\n`, { mode: 0o755 })
    const script = `
    import { ensureServers } from ${JSON.stringify(RUN_MODULE)};
    const { etcd } = await ensureServers({ cache: ${JSON.stringify(folder.path)}, log: console.error });
    console.log(Object.keys(etcd).sort().join());`

    const { stdout, stderr } = await runCommand(NODE, evaluate(script), { env: { PATH: folder.path } })
    const left = await readdir(folder.path)
    await folder.remove()

    expect(stdout.trim(), stderr).toBe('3.4,3.5')
    for (const line of ['3.7', '3.6']) {
      const said = new RegExp(`Going without etcd ${line}, so its tests are NOT part of this run: .*${why}`)
      expect(stderr).toMatch(said)
    }
    expect(left.filter((name) => name.includes('.part-'))).toEqual([])
  },
)

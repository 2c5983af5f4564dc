// The leader as a service of a real Consul, found by DNS; and a session that is bound to the check of a service.
import { Resolver } from 'node:dns/promises'
import { expect, test, vi } from 'vitest'
import { parseDuration } from '../../../../src/cli/duration.ts'
import { ask, freePorts } from '../../../../tools/servers/loopback.mjs'
import { leasehold, temporaryFolder } from '../../../cli/leasehold.ts'
import { type TestConsul, useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace } from '../../../servers/etcd.ts'

const ttl = ['--ttl', '10s']
const tame = ['--', 'sh', '-c', 'echo leads $$; exec sleep 300']

let dns = 0
const store = useConsul({
  config: async () => {
    ;[dns = 0] = await freePorts(1)
    return { ports: { dns } }
  },
})

/** The addresses and the ports of the service, as `dig SRV web.service.consul` shows them; empty if there is none. */
async function found(service: string): Promise<string[]> {
  const resolver = new Resolver()
  resolver.setServers([`127.0.0.1:${dns}`])
  const name = `${service}.service.consul`
  const none = (error: NodeJS.ErrnoException): [] => {
    if (error.code !== 'ENOTFOUND' && error.code !== 'ENODATA') throw error
    return []
  }
  const [addresses, targets] = await Promise.all([
    resolver.resolve4(name).catch(none),
    resolver.resolveSrv(name).catch(none),
  ])
  return [...addresses, ...targets.map(({ port }) => String(port))]
}
const untilFound = (service: string, parts: readonly string[], withinMs = 10_000): Promise<void> =>
  expect.poll(() => found(service), { timeout: withinMs, interval: 50 }).toEqual(parts)

const lead = (namespace: string, port: number, address: string) => {
  const service = ['--service', 'web', '--port', String(port), '--service-address', address]
  return leasehold(['lead', 'x', '--url', store.url(namespace), ...ttl, ...service, ...tame])
}

test('NAME.service.consul is the address of the leader, before and after it ends, and of nobody in the end', async () => {
  const namespace = freshNamespace()
  expect(await found('web')).toEqual([])
  const one = lead(namespace, 8081, '127.0.0.2')
  await one.pidOf('leads')
  await untilFound('web', ['127.0.0.2', '8081'])
  const two = lead(namespace, 8082, '127.0.0.3')
  await store.line(namespace, 'x', 1)
  expect(await found('web')).toEqual(['127.0.0.2', '8081'])

  one.signal('SIGTERM')
  await two.pidOf('leads')
  await untilFound('web', ['127.0.0.3', '8082'])
  two.signal('SIGTERM')
  await two.ended

  expect(await found('web')).toEqual([])
  expect(await services(store)).toEqual([])
})

test('after a crash the old address is gone within a TTL, and the next one follows with the next leader', {
  timeout: 120_000,
}, async () => {
  const namespace = freshNamespace()
  const one = lead(namespace, 8081, '127.0.0.2')
  await one.pidOf('leads')
  await untilFound('web', ['127.0.0.2', '8081'])
  const two = lead(namespace, 8082, '127.0.0.3')
  await store.line(namespace, 'x', 1)

  one.signal('SIGKILL')
  await untilFound('web', [], parseDuration('10s') + 2_000)
  expect(two.stdout).toBe('')
  await two.pidOf('leads')
  await untilFound('web', ['127.0.0.3', '8082'])
  two.signal('SIGTERM')
  await two.ended
})

test('a session with `checks` ends when the check of the service fails, and its hold is lost at once', async () => {
  const check = { TTL: '60s', Status: 'passing' }
  await tell(store, 'agent/service/register', { Name: 'app', ID: 'app-1', Port: 1, Check: check })
  // The agent tells its servers a moment later.
  const client = await vi.waitFor(
    () => store.client(freshNamespace(), { ttlMs: 10_000, checks: ['service:app-1'] }),
    { timeout: 5_000 },
  )
  const hold = await client.mutex('a').acquire()
  await hold.verify()

  const began = performance.now()
  await tell(store, 'agent/check/fail/service:app-1')
  await vi.waitFor(() => expect(hold.held).toBe(false), { timeout: 10_000, interval: 10 })

  expect(performance.now() - began).toBeLessThan(5_000)
  expect(hold.signal.reason).toMatchObject({ name: 'HoldLostError' })
  await tell(store, 'agent/service/deregister/app-1')
})
test('on another store --service is wrong usage, and so is --service without --port', async () => {
  const url = `file:${temporaryFolder()}`
  const alone = await leasehold(['lead', 'x', '--url', url, '--service', 'web', ...tame]).ended
  expect(alone).toMatchObject({
    status: 64,
    stdout: '',
    stderr: expect.stringContaining('give both or none'),
  })
  const both = ['--service', 'web', '--port', '80']
  const { status, stderr } = await leasehold(['lead', 'x', '--url', url, ...both, ...tame]).ended
  expect(stderr).toBe('leasehold: --service: file has no catalog of services; Consul has one\n')
  expect(status).toBe(64)
})

async function tell({ cluster }: TestConsul, path: string, body?: object): Promise<void> {
  const text = body && JSON.stringify(body)
  const answer = await ask(`${cluster.address}/v1/${path}`, { method: 'PUT', ...(text && { body: text }) })
  if (answer?.status !== 200) throw new Error(`Consul answered ${answer?.status}: ${answer?.body}`)
}

/** The ids of the services that the agent has. */
async function services({ cluster }: TestConsul): Promise<string[]> {
  const answer = await ask(`${cluster.address}/v1/agent/services`)
  return Object.keys(JSON.parse(answer?.body ?? '{}'))
}

// The probes of `leasehold lead --health`, and the manifest for Kubernetes in docs/deploying.md.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { parseDuration } from '../../src/cli/duration.ts'
import { connect } from '../../src/index.ts'
import { freePorts } from '../../tools/servers/loopback.mjs'
import { leasehold, type Run, temporaryFolder } from './leasehold.ts'
import { probed, untilProbed } from './probes.ts'

const command = ['sh', '-c', 'echo leads $$; exec sleep 300']

let env: { LEASEHOLD_URL: string }
let port: number
beforeEach(async () => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
  ;[port = 0] = await freePorts(1)
})

const until = (state: string): Promise<void> => untilProbed(port, state)

const lead = (options: readonly string[] = []): Run =>
  leasehold(['lead', 'x', '--health', String(port), ...options, '--', ...command], { env })

test('a standby is live and ready, a leader is all three, and nobody answers after the end', async () => {
  await using client = await connect(env.LEASEHOLD_URL)
  const term = await client.election('x').campaign()
  const run = lead()
  await until('standby 200 200 503')
  expect(run.stdout).toBe('')
  await term.resign()
  await run.pidOf('leads')
  expect(await probed(port)).toBe('leader 200 200 200')
  run.signal('SIGTERM')
  await run.ended
  expect(await probed(port)).toBeUndefined()
})

test('while the store is not up yet a candidate is live, and not ready', async () => {
  const run = lead(['--url', 'etcd://127.0.0.1:1/'])
  await until('away 200 503 503')
  run.signal('SIGTERM')
  expect(await run.ended).toMatchObject({ status: 0 })
})

test('a candidate that is stopped answers no probe, and one that lost its term is a standby again', async () => {
  await using client = await connect(env.LEASEHOLD_URL)
  const run = lead(['--ttl', '4s'])
  await run.pidOf('leads')
  const term = client.election('x').campaign()
  await expect.poll(async () => (await client.line('x')).length).toBe(2)
  run.signal('SIGSTOP')
  await term
  await expect(fetch(`http://127.0.0.1:${port}/live`, { signal: AbortSignal.timeout(300) })).rejects.toThrow()
  run.signal('SIGCONT')
  await until('standby 200 200 503')
})

test('other paths are 404, and other methods 405', async () => {
  const run = lead()
  await run.pidOf('leads')
  const at = `http://127.0.0.1:${port}`
  expect((await fetch(`${at}/metrics`)).status).toBe(404)
  expect((await fetch(`${at}/leader`, { method: 'POST' })).status).toBe(405)
  expect((await fetch(`${at}/leader?x`, { method: 'HEAD' })).status).toBe(200)
})

test('a port that is taken is an error at once, and the candidate does not stand for election', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => void taken.close())
  const { status, stderr } = await lead().ended
  expect(stderr).toMatch(/^leasehold: --health: cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*\n$/)
  expect(status).toBe(1)
})

test.each(['0', '65536', 'http', 'a b:1', '::1:80'])('--health %s is wrong usage', async (value) => {
  const run = leasehold(['lead', 'x', '--health', value, '--', ...command], { env })
  expect(await run.ended).toMatchObject({
    status: 64,
    stderr: expect.stringMatching(/--health.*it takes a port/),
  })
})

/** The parts of the manifest that the test uses. */
interface Container {
  readonly command: string[]
  readonly ports: { readonly name: string; readonly containerPort: number }[]
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

const yaml = /```yaml\n(.*?)```/s.exec(readFileSync('docs/deploying.md', 'utf8'))?.[1] ?? ''
const manifest = parse(yaml).spec.template.spec

test('the probes of the manifest are answered by its own command line', async () => {
  const [container] = manifest.containers as [Container]
  const { command: line, ports, livenessProbe, readinessProbe } = container
  const [, ...words] = line.slice(0, line.indexOf('--'))
  const at = words.indexOf('--health') + 1
  expect(words[at]).toBe(`0.0.0.0:${ports.find(({ name }) => name === 'health')?.containerPort}`)
  const graceMs = parseDuration(words[words.indexOf('--grace') + 1] ?? '')
  expect(manifest.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(graceMs)
  words[at] = `127.0.0.1:${port}`
  await using client = await connect(env.LEASEHOLD_URL)
  await client.election('report').campaign()

  leasehold([...words, '--', ...command], { env })
  await until('standby 200 200 503')

  for (const { httpGet } of [livenessProbe, readinessProbe]) {
    expect(httpGet.port).toBe('health')
    expect((await fetch(`http://127.0.0.1:${port}${httpGet.path}`)).status).toBe(200)
  }
})

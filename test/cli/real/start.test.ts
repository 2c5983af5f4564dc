// The command and a store that is not up yet: what waits for it, and for how long. A door stands before a real etcd, and
// opens late.
import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { certificate, privateKey } from '../../backends/shared/pem.ts'
import { freshNamespace, useEtcd } from '../../servers/etcd.ts'
import { leasehold } from '../leasehold.ts'

const etcd = useEtcd()
const tame = ['--', 'sh', '-c', 'echo runs $$; exec sleep 300']

/** A port at which nobody answers until `open` is called. */
async function door(): Promise<{ url: string; open: () => Promise<void> }> {
  const [target = ''] = /127\.0\.0\.1:\d+/.exec(etcd.cluster.url('')) ?? []
  const server = createServer((client) => {
    const through = dial(Number(target.split(':')[1]), '127.0.0.1')
    for (const socket of [client, through]) socket.on('error', () => client.destroy())
    client.on('close', () => through.destroy())
    client.pipe(through).pipe(client)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  onTestFinished(() => void server.close())
  const open = async (): Promise<void> => void (await once(server.listen(port, '127.0.0.1'), 'listening'))
  return { url: `etcd://127.0.0.1:${port}/${freshNamespace()}`, open }
}

test.each([
  ['run --wait', ['run', 'x', '--wait', '1m']],
  ['lead', ['lead', 'x']],
  ['cron', ['cron', 'x', '--schedule', '* * * * *']],
])('%s waits for a store that comes up later, says so once, and then runs the command', async (_, args) => {
  const { url, open } = await door()
  const run = leasehold([...args, '--url', url, ...tame])
  await run.says(/etcd at 127\.0\.0\.1.*; it tries again\n/)
  expect(run.exited).toBe(false)
  expect(run.stdout).toBe('')
  await open()
  await run.pidOf('runs')
  // On a busy machine the wait may be over before the store was asked, which is told without an address.
  expect(run.stderr.match(/etcd at .*it tries again/g)).toHaveLength(1)
  run.signal('SIGTERM')
  expect((await run.ended).stdout).toMatch(/^runs \d+\n$/)
})

test('run --wait includes the time of an outage, and then says that the store was silent', async () => {
  const { url } = await door()
  const began = performance.now()
  const { status, stderr } = await leasehold(['run', 'x', '--wait', '2s', '--url', url, ...tame]).ended
  expect(stderr).toMatch(/^leasehold: the store did not answer before the wait was over: etcd at 127.*\n$/)
  expect(status).toBe(69)
  const tookMs = performance.now() - began
  expect(tookMs).toBeGreaterThan(2_000)
  expect(tookMs).toBeLessThan(10_000)
})

test('proxies in the environment are not used for etcd, and nothing is written about them', async () => {
  const url = etcd.cluster.url(freshNamespace())
  const env = {
    http_proxy: 'http://127.0.0.1:1',
    grpc_proxy: 'ftp://nonsense',
    https_proxy: 'http://127.0.0.1:1',
  }
  const ended = await leasehold(['run', 'x', '--url', url, '--', 'echo', 'ran'], { env }).ended
  expect(ended).toEqual({ status: 0, stdout: 'ran\n', stderr: '' })
})

test('etcds: with an etcd without TLS says what to try, and Node and gRPC print nothing', async () => {
  const url = etcd.cluster.url(freshNamespace()).replace('etcd:', 'etcds:')
  const { status, stderr } = await leasehold(['ls', '--url', url]).ended
  expect(stderr).toMatch(/^leasehold: .*is the scheme right \(etcd: without TLS, etcds: with TLS\)\?\n$/)
  expect(stderr).not.toMatch(/Resolution note|DEP0123/)
  expect(status).toBe(69)
})

test('etcd: with a port that speaks TLS says what to try, in one line without the words of gRPC', async () => {
  const secure = createTlsServer({ key: privateKey, cert: certificate }, (socket) =>
    socket.on('error', () => {}),
  )
  await once(secure.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void secure.close())
  const { port } = secure.address() as AddressInfo
  const { status, stderr } = await leasehold(['ls', '--url', `etcd://127.0.0.1:${port}/`]).ended
  expect(stderr).toMatch(/^leasehold: .*is the scheme right \(etcd: without TLS, etcds: with TLS\)\?\n$/)
  expect(stderr).not.toMatch(/Resolution note/)
  expect(status).toBe(69)
})

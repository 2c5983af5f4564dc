// Requests to Consul that end early: at a time limit, by an abort, or because the client is closed. They leave nothing.
import { spawn } from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import { createServer as createTcpServer } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { server } from '../../../../src/backends/consul/wire/servers.ts'
import { roomyController } from '../../../../src/base/abort.ts'
import { UnavailableError } from '../../../../src/base/errors.ts'
import { until } from '../../../../tools/servers/wait.mjs'
import { useBuild } from '../../../servers/build.ts'
import {
  empty,
  fake,
  goneSession,
  hastyClock,
  listening,
  never,
  open,
  plan,
  rejection,
  silent,
  token,
  useSecuredConsul,
} from '../../../servers/consul-wire.ts'
import { freeze } from '../../../servers/freeze.ts'

const built = useBuild()
const consul = useSecuredConsul()

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

  const asked = [
    client.read({ key: 'a' }, never()),
    client.block({ key: 'a' }, { index: 1, waitMs: 16_000 }, never()),
  ]
  for (const error of await Promise.all(asked.map(rejection)))
    expect(error).toMatchObject({ code: 'LEASEHOLD_UNAVAILABLE', cause: expect.any(Error) })
  expect(clock.limits).toEqual([10_000, 22_000])
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
      expect(error).toMatchObject({ code: reason.code, cause: reason }) // the message says which server it was
      expect(error.message).toBe(`consul at ${hung.address}: too late`)
    } else expect(error).toBe(abort.signal.reason)
    await ended
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
  },
)

test('a signal that serves a hundred requests keeps none of them', async () => {
  const { address: at } = await fake(empty)
  const client = consul.clientOf({}, at)
  const { signal } = roomyController()

  await Promise.all(Array.from({ length: 100 }, () => client.read({ key: 'a' }, signal)))

  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('nothing is sent for a signal that has aborted', async () => {
  const { address: at, requests } = await fake(empty)
  const client = consul.clientOf({}, at)

  expect(await rejection(client.read({ key: 'a' }, AbortSignal.abort('why')))).toBe('why')
  await client.read({ key: 'b' }, never())

  expect(requests.map(({ url }) => url)).toEqual(['/v1/kv/b?consistent=1'])
})

test('close ends what is under way as an outage, and after it nothing can be asked', async () => {
  const hung = await fake(silent)
  const client = consul.clientOf({}, hung.address)
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
    import { ConsulClient } from ${JSON.stringify(join(folderOf, 'backends/consul/wire/client.js'))}
    import { server } from ${JSON.stringify(join(folderOf, 'backends/consul/wire/servers.js'))}
    import { systemClock } from ${JSON.stringify(join(folderOf, 'base/clock.js'))}
    const client = new ConsulClient(systemClock(), [server(${JSON.stringify(consul.address)}, { token: ${JSON.stringify(token)} })])
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
  await freeze(consul.cluster.members[0])

  child.stdin.write('go')

  expect(await ended).toEqual([0, null])
  expect(said).toBe('readyLEASEHOLD_UNAVAILABLE')
})

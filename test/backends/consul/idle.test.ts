// The idle sockets of one client: how many it keeps, and that no request meets one that is being closed. The server here only
// counts connections, and the test moves the clock by which idle sockets are closed.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ConsulClient } from '../../../src/backends/consul/wire/client.ts'
import { server } from '../../../src/backends/consul/wire/servers.ts'
import { until } from '../../../tools/servers/wait.mjs'
import { ManualClock } from '../../core/manual-clock.ts'

const never = new AbortController().signal
const burst = 64
/** Within this time a socket that nobody uses is closed, if the client has more than it keeps. */
const sweptMs = 500

/** Calls `afterEach` in the same turn as each timer that is due. */
class Moments extends ManualClock {
  afterEach = (): void => {}

  override after(ms: number, run: () => void): () => void {
    return super.after(ms, () => {
      run()
      this.afterEach()
    })
  }
}

async function scene() {
  const clock = new Moments()
  const sockets = { open: 0, ever: 0 }
  const http = createServer((request, response) => {
    request.resume()
    const body = request.url?.startsWith('/v1/txn') ? '{"Results":null}' : '[]'
    response.writeHead(200, { 'x-consul-index': '1' }).end(body)
  })
  http.on('connection', (socket) => {
    sockets.open += 1
    sockets.ever += 1
    socket.on('close', () => (sockets.open -= 1))
  })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const client = new ConsulClient(clock, [server(`127.0.0.1:${(http.address() as AddressInfo).port}`, {})])
  onTestFinished(() => {
    client.close()
    http.closeAllConnections()
    http.close()
  })
  const reads = (): Promise<unknown> =>
    Promise.all(Array.from({ length: burst }, () => client.read({ key: 'a' }, never)))
  const releases = (): Promise<unknown> =>
    Promise.all(
      Array.from({ length: burst }, () => client.txn([{ verb: 'delete', key: 'a' }], never, 'gives back')),
    )
  const rest = (open: number): Promise<unknown> =>
    until(async () => sockets.open === open, { describe: () => `${open} sockets, not ${sockets.open}` })
  return { client, clock, sockets, reads, releases, rest }
}

test('a burst of requests finds the sockets of the burst before, as long as the pauses are short', async () => {
  const { clock, sockets, reads } = await scene()
  await reads()
  for (let again = 0; again < 6; again += 1) {
    await clock.advance(sweptMs / 4)
    await reads()
  }
  expect(sockets).toEqual({ open: burst, ever: burst })
})

test('half a second after a burst of all kinds of requests a client has 20 sockets open', async () => {
  const { clock, sockets, reads, releases, rest } = await scene()
  await Promise.all([reads(), releases()])
  expect(sockets.open).toBeGreaterThan(burst)
  await clock.advance(sweptMs)
  await rest(20)
})

test('requests that are sent right after idle sockets were closed are all answered', async () => {
  const { clock, sockets, reads, rest } = await scene()
  for (let again = 0; again < 3; again += 1) {
    await reads()
    await clock.advance(sweptMs / 2)
    let asked: Promise<unknown> | undefined
    clock.afterEach = () => {
      asked = reads()
    }
    await clock.advance(sweptMs / 2)
    clock.afterEach = () => {}
    await asked
    expect(sockets.ever).toBe(burst + (2 * again + 1) * (burst - 16))
    await clock.advance(sweptMs)
    await rest(16)
  }
})

test('a connection that is left closes all its idle sockets at once, and plans no later look', async () => {
  const { client, clock, reads, releases, rest } = await scene()
  await Promise.all([reads(), releases()])
  expect(clock.timers).toBeGreaterThan(0)
  client.close()
  expect(clock.timers).toBe(0)
  await rest(0)
})

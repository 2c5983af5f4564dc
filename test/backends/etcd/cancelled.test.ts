// A request that its caller gave up, as the server sees it: over a real HTTP/2 connection, with a server that never answers.
import { once } from 'node:events'
import { constants, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Connection } from '../../../src/backends/etcd/wire/http2/grpc.ts'
import { txn } from '../../../src/backends/etcd/wire/http2/messages.ts'
import { systemClock } from '../../../src/base/clock.ts'

let server: Http2Server | undefined
afterEach(() => void server?.close())

test('a request that its caller gave up is cancelled at the server, and the next one uses the same connection', async () => {
  server = createServer()
  const sessions: unknown[] = []
  server.on('session', (session) => sessions.push(session))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connection = new Connection({ url: `http://127.0.0.1:${port}`, tls: {} }, systemClock())
  for (const reason of ['enough', 'enough again']) {
    const caller = new AbortController()
    const asked = connection.call(txn, {}, { metadata: {}, signal: caller.signal, limitMs: 60_000 })
    const refused = expect(asked).rejects.toBe(reason)
    const [stream] = (await once(server, 'stream')) as [ServerHttp2Stream]
    expect(stream.closed).toBe(false)
    const closed = once(stream, 'close')
    caller.abort(reason)
    await refused
    await closed
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL)
  }
  expect(sessions).toHaveLength(1)
  connection.close()
})

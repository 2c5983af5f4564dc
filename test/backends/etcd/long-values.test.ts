// Many requests with long values at a time, over a real HTTP/2 connection: node:http2 limits what a connection may keep.
import { once, setMaxListeners } from 'node:events'
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Connection } from '../../../src/backends/etcd/wire/http2/grpc.ts'
import { txn } from '../../../src/backends/etcd/wire/http2/messages.ts'
import { systemClock } from '../../../src/base/clock.ts'

const emptyMessage = Buffer.alloc(5)

let server: Http2Server | undefined
afterEach(() => void server?.close())

/** Answers without having read the question. */
function answer(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(emptyMessage)
}

test('requests are answered while sixteen values of a mebibyte wait to be sent', async () => {
  server = createServer()
  const streams: ServerHttp2Stream[] = []
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {}) // the client breaks off the questions that nobody reads
    if (streams.push(stream) === 16) streams.forEach(answer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connection = new Connection({ url: `http://127.0.0.1:${port}`, tls: {} }, systemClock())
  const { signal } = new AbortController()
  setMaxListeners(0, signal)
  const put = { request_put: { key: Buffer.from('a'), value: Buffer.alloc(2 ** 20) } }
  const ask = () => connection.call(txn, { success: [put] }, { metadata: {}, signal, limitMs: 60_000 })
  const answers = await Promise.all(Array.from({ length: 16 }, ask))
  expect(answers).toHaveLength(16)
  connection.close()
})

// The moment at which a connection to etcd is torn down: leaving.test.ts shows what happens to the process otherwise.
import { once } from 'node:events'
import { type ClientHttp2Session, connect, createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Connection } from '../../../src/backends/etcd/wire/http2/grpc.ts'
import { txn } from '../../../src/backends/etcd/wire/http2/messages.ts'
import { systemClock } from '../../../src/base/clock.ts'

const noLeader = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '14' }

/** A server that refuses everything, and its URL. */
async function refusing(): Promise<string> {
  const server = createServer()
  onTestFinished(() => void server.close())
  server.on('stream', (stream: ServerHttp2Stream) => stream.respond(noLeader, { endStream: true }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Watches the end of every session of this process. */
async function endsOfSessions(url: string): Promise<ReturnType<typeof vi.spyOn>> {
  const any = connect(url)
  await once(any, 'connect')
  any.destroy()
  const ends = vi.spyOn(Object.getPrototypeOf(any) as ClientHttp2Session, 'destroy')
  onTestFinished(() => ends.mockRestore())
  return ends
}

test('a connection that is closed in what follows an answer ends after that turn, and not within it', async () => {
  const url = await refusing()
  const ends = await endsOfSessions(url)
  const connection = new Connection({ url, tls: {} }, systemClock())
  const { signal } = new AbortController()

  await expect(connection.call(txn, {}, { metadata: {}, signal, limitMs: 60_000 })).rejects.toThrow()
  connection.close()
  for (let i = 0; i < 20; i += 1) await Promise.resolve() // all of this runs while the answer is read
  expect(ends).not.toHaveBeenCalled()

  await vi.waitFor(() => expect(ends).toHaveBeenCalled())
  const late = connection.call(txn, {}, { metadata: {}, signal, limitMs: 60_000 })
  await expect(late).rejects.toThrow('the connection was closed')
})

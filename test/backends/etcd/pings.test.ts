// A member that dies without a word and comes back, again and again, as the timers of its client show it: a server that accepts
// connections, says its settings, and answers no ping.
import { on, once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { Connection } from '../../../src/backends/etcd/wire/http2/grpc.ts'
import { watch } from '../../../src/backends/etcd/wire/http2/messages.ts'
import { ManualClock, settle } from '../../core/manual-clock.ts'

const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
const untilDeadMs = 10_000 + 5_000

test('a watch that is opened again after each silent death leaves one timer, and none after the end', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => server.emit('spoken to'))
    socket.resume()
    socket.write(settings)
  })
  onTestFinished(() => void server.close())
  const spokenTo = on(server, 'spoken to')
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const clock = new ManualClock()
  const connection = new Connection({ url, tls: {} }, clock)
  const deaths: string[] = []
  const open = (): void => {
    connection.stream(watch, {}).on('error', ({ message }) => {
      deaths.push(message)
      if (deaths.length < 4) open()
    })
  }

  open()
  for (let death = 1; death <= 3; death += 1) {
    await spokenTo.next()
    await settle() // its settings have arrived
    await clock.advance(untilDeadMs)
    expect(deaths).toEqual(Array(death).fill('no answer to a ping'))
    expect(clock.timers).toBe(1)
  }
  connection.close()
  await clock.advance(1)
  expect([deaths.length, clock.timers]).toEqual([4, 0])
})

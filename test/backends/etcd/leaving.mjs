// @ts-check
// A client of an etcd member that says it has no leader: many calls are under way, and the first refusal makes the client
// close the connection. `node leaving.mjs INDEX ROUNDS`, where INDEX is the built index.js; prints how many calls ended.
import { once, setMaxListeners } from 'node:events'
import { createServer } from 'node:http2'

const [index = '', rounds = ''] = process.argv.slice(2)
const wire = new URL('backends/etcd/wire/http2/', `file://${index}`)
const { Connection } = await import(new URL('grpc.js', wire).href)
const { txn } = await import(new URL('messages.js', wire).href)
const { systemClock } = await import(new URL('base/clock.js', `file://${index}`).href)
const callsAtOnce = 32
const noLeader = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '14' }

/** @type {import('node:http2').ServerHttp2Stream[]} */
let asked = []
const server = createServer()
server.on('stream', (stream) => {
  stream.on('error', () => {})
  asked.push(stream)
  if (asked.length === callsAtOnce)
    for (const each of asked.slice(0, 3)) each.respond(noLeader, { endStream: true })
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
const target = { url: `http://127.0.0.1:${port}`, tls: {} }

let ended = 0
for (let round = 0; round < Number(rounds); round += 1) {
  asked = []
  const connection = new Connection(target, systemClock())
  const { signal } = new AbortController()
  setMaxListeners(0, signal)
  const call = () =>
    connection.call(txn, {}, { metadata: {}, signal, limitMs: 60_000 }).catch(() => {
      connection.close()
      ended += 1
    })
  await Promise.all(Array.from({ length: callsAtOnce }, call))
}
process.stdout.write(`${ended} calls ended`)
process.exit()

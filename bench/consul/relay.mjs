// @ts-check
// A relay in front of Consul that counts the requests of all clients, and the bytes in both directions. Owns its sockets.
// Renewals are left out of the requests, since their number depends on time and not on locks.
import { connect, createServer } from 'node:net'

/** @typedef {Awaited<ReturnType<typeof startRelay>>} Relay */

const requestLine = /\b(?:GET|PUT|POST|DELETE) (\S+) HTTP\/1\.1\r\n/g
const longestLine = 1_024

/** @param {string} endpoint `host:port` of the server */
export async function startRelay(endpoint) {
  const [host = '', port = ''] = endpoint.split(':')
  let count = 0
  let bytes = 0
  const relay = createServer({ noDelay: true }, (near) => {
    const far = connect({ host, port: Number(port), noDelay: true })
    let rest = ''
    near.on('data', (chunk) => {
      bytes += chunk.length
      const text = rest + chunk.toString('latin1')
      let end = 0
      for (const { 0: line, 1: path = '', index } of text.matchAll(requestLine)) {
        if (!path.startsWith('/v1/session/renew/')) count += 1
        end = index + line.length
      }
      rest = text.slice(Math.max(end, text.length - longestLine)) // a line may come in two chunks
    })
    far.on('data', (chunk) => {
      bytes += chunk.length
    })
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
    near.on('close', () => far.destroy())
  })
  await new Promise((resolve) => relay.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = /** @type {import('node:net').AddressInfo} */ (relay.address())
  return {
    endpoint: `127.0.0.1:${address.port}`,
    /** The number of requests while `work` ran. @param {() => Promise<unknown>} work */
    async requestsOf(work) {
      const before = count
      await work()
      return count - before
    },
    /** Everything so far. */
    traffic: () => ({ messages: count, bytes }),
    /** Call it after its clients are closed. */
    close: () => new Promise((resolve) => relay.close(resolve)),
  }
}

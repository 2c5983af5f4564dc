// @ts-check
// Bare writes and Leasehold's transactions over the transport that Leasehold itself has, without its other code: the floor
// under a cycle. Owns the choice of the built files, which are not exports of the package.
import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { keys, take, withdraw } from './cycle.mjs'

/** @typedef {Awaited<ReturnType<typeof openWire>>} Wire */

const built = (/** @type {string} */ file) => new URL(`../../dist/${file}.js`, import.meta.url).href
const never = new AbortController().signal
setMaxListeners(0, never) // hundreds of bare requests share it

/** @param {string} endpoint */
export async function openWire(endpoint) {
  const { EtcdClient } = /** @type {typeof import('../../src/backends/etcd/wire/client.ts')} */ (
    await import(built('backends/etcd/wire/client'))
  )
  const { member } = /** @type {typeof import('../../src/backends/etcd/wire/http2/link.ts')} */ (
    await import(built('backends/etcd/wire/http2/link'))
  )
  const { systemClock } = /** @type {typeof import('../../src/base/clock.ts')} */ (
    await import(built('base/clock'))
  )
  return new EtcdClient([member(endpoint, {}, systemClock())])
}

/** A put of a small key, one write. @param {Wire} wire @param {string} name @returns {() => Promise<unknown>} */
export function wirePut(wire, name) {
  const request = { key: Buffer.from(`${name}-raw`), value: Buffer.from('{"host":"somewhere","pid":12345}') }
  return () => wire.txn({ success: [{ request_put: request }] }, never)
}

/** The two transactions of a cycle. @param {Wire} wire @param {string} name */
export async function wireCycle(wire, name) {
  const lease = BigInt.asUintN(62, randomBytes(8).readBigUInt64BE()).toString()
  await wire.grant(lease, 600, never)
  const names = keys(name, lease)
  const taking = take(names, lease)
  return async () => {
    const { header } = await wire.txn(/** @type {any} */ (taking), never)
    await wire.txn(/** @type {any} */ (withdraw(names.key, header.revision)), never)
  }
}

/**
 * A put by one client, until a client with another connection has its event. No hand-over can be faster.
 *
 * @param {Wire} writer
 * @param {Wire} listener
 * @param {string} name
 * @returns {() => Promise<unknown>}
 */
export function untilEvent(writer, listener, name) {
  const put = wirePut(writer, name)
  /** @type {(value: unknown) => void} */
  let tell = () => {}
  const written = () => tell(undefined)
  listener.watch({ key: `${name}-raw` }, { created() {}, deleted() {}, failed() {}, written })
  return async () => {
    const told = new Promise((resolve) => {
      tell = resolve
    })
    await Promise.all([put(), told])
  }
}

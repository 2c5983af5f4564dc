// @ts-check
// etcd without Leasehold: the bare writes that its cycle is compared with, and the lock of the npm package etcd3. Owns
// that the bare client has Leasehold's settings (src/backends/etcd/index.ts).
import { randomBytes } from 'node:crypto'
import { Etcd3 } from 'etcd3'

const passThrough = /** @type {any} */ ({ execute: async (/** @type {() => unknown} */ run) => run() })

/** @param {string} endpoint */
export function bareClient(endpoint) {
  return new Etcd3({
    hosts: `http://${endpoint}`,
    faultHandling: { global: passThrough, host: () => passThrough },
    grpcOptions: { 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 5_000 },
  })
}

/**
 * A put of a small key, one write.
 *
 * @param {Etcd3} client
 * @param {string} name
 * @returns {() => Promise<unknown>}
 */
export function barePut(client, name) {
  const request = { key: Buffer.from(`${name}-raw`), value: Buffer.from('{"host":"somewhere","pid":12345}') }
  return () => client.kv.put(request)
}

/**
 * The two transactions of an uncontended cycle as Leasehold's backend sends them: the cost of a lock in the server.
 *
 * @param {Etcd3} client
 * @param {string} name
 */
export async function bareCycle(client, name) {
  const { ID: lease } = await client.leaseClient.leaseGrant({ ID: leaseId(), TTL: 600 })
  const key = Buffer.from(`${name}/${BigInt(lease).toString(16)}`)
  const range = { key: Buffer.from(`${name}/`), range_end: Buffer.from(`${name}0`) }
  const tombstone = Buffer.from(`\0leasehold/withdrawn/${lease}/1`)
  const line = { ...range, sort_order: 2, sort_target: 2, keys_only: true, limit: 8 }
  const put = { key, value: Buffer.from('{"host":"somewhere","pid":12345}'), lease }
  const absent = (/** @type {Buffer} */ each) => ({ key: each, target: 1, result: 0, create_revision: '0' })
  const take = {
    compare: [absent(key), absent(tombstone)],
    success: [{ request_range: line }, { request_put: put }],
    failure: [{ request_range: line }, { request_range: { key } }],
  }
  return async () => {
    const { header } = await client.kv.txn(/** @type {any} */ (take))
    const own = { key, target: 1, result: 0, create_revision: header.revision }
    await client.kv.txn(/** @type {any} */ ({ compare: [own], success: [{ request_delete_range: { key } }] }))
  }
}

/** A cycle of etcd3's own lock. @param {Etcd3} client @param {string} name */
export function etcd3Cycle(client, name) {
  return async () => {
    const lock = await client.lock(name).ttl(15).acquire()
    await lock.release()
  }
}

function leaseId() {
  return BigInt.asUintN(62, randomBytes(8).readBigUInt64BE()).toString()
}

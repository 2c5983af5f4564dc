// @ts-check
// The npm package etcd3 without Leasehold: bare writes, and its own lock. Owns the settings of the bare client.
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

/** A cycle of etcd3's own lock. @param {Etcd3} client @param {string} name */
export function etcd3Cycle(client, name) {
  return async () => {
    const lock = await client.lock(name).ttl(15).acquire()
    await lock.release()
  }
}

// @ts-check
// The stores of the scale bench, each with the same questions: a client, and what the server has been asked so far. Owns
// the counting: etcd counts by itself, a relay counts in front of Consul, and a file or the memory has no messages.
import { pathToFileURL } from 'node:url'
import { ownedFolder } from '../../tools/servers/children.mjs'
import { startConsul, startEtcd } from '../../tools/servers/run.mjs'
import { startRelay } from '../consul/relay.mjs'
import { trafficOf } from '../etcd/requests.mjs'
import { connect } from '../lib/leasehold.mjs'

/** @typedef {import('../../src/index.ts').Leasehold} Leasehold */
/** @typedef {{ messages: number, bytes: number }} Traffic */
/**
 * @typedef {object} Store
 * @property {'etcd' | 'consul' | 'file' | 'memory'} kind
 * @property {string} url
 * @property {() => Promise<Leasehold>} open another client
 * @property {(() => Promise<Traffic>) | undefined} traffic everything so far, without renewals
 * @property {() => Promise<unknown>} close
 */

const built = new URL('../../dist/backends/memory/index.js', import.meta.url)
const { memory } = /** @type {typeof import('../../src/backends/memory/index.ts')} */ (
  await import(built.href)
)

/** A server takes 200 connections from one address, a crowd of clients has more. */
const config = { limits: { http_max_conns_per_client: 5_000 } }
const log = (/** @type {string} */ line) => process.stderr.write(`${line}\n`)

/** @type {Record<Store['kind'], () => Promise<Store>>} */
export const stores = {
  async etcd() {
    // The disk is not what grows here: without fsync the same minutes hold more samples.
    const etcd = await startEtcd({ unsafeNoFsync: true, log })
    const url = etcd.url()
    const traffic = () => trafficOf(etcd)
    return { kind: 'etcd', url, open: () => connect(url), traffic, close: () => etcd.close() }
  },
  async consul() {
    const consul = await startConsul({ config, log })
    const relay = await startRelay(consul.members[0].endpoint)
    const url = `consul://${relay.endpoint}/`
    const close = () => relay.close().then(() => consul.close())
    return { kind: 'consul', url, open: () => connect(url), traffic: async () => relay.traffic(), close }
  },
  async file() {
    const folder = ownedFolder('leasehold-bench')
    const url = pathToFileURL(`${folder.path}/`).href
    return { kind: 'file', url, open: () => connect(url), traffic: undefined, close: () => folder.remove() }
  },
  async memory() {
    const source = memory()
    const url = 'memory:'
    return { kind: 'memory', url, open: () => connect(source), traffic: undefined, close: async () => {} }
  },
}

/**
 * The traffic while `work` runs. Undefined for a store without messages.
 *
 * @param {Store} store
 * @param {() => Promise<unknown>} work
 * @returns {Promise<Traffic | undefined>}
 */
export async function trafficWhile({ traffic }, work) {
  const before = await traffic?.()
  await work()
  const after = await traffic?.()
  if (!before || !after) return undefined
  return { messages: after.messages - before.messages, bytes: after.bytes - before.bytes }
}

/** Clients, opened a few at a time. @param {Store} store @param {number} count */
export async function openMany(store, count) {
  /** @type {Leasehold[]} */
  const clients = []
  while (clients.length < count) {
    const some = Math.min(20, count - clients.length)
    clients.push(...(await Promise.all(Array.from({ length: some }, () => store.open()))))
  }
  return clients
}

// @ts-check
// Jepsen's lock-etcd-set, and the same on Consul: a set that is one key of the store, written by the worker's own
// transaction, which the store refuses unless the key of the lock is as the hold names it. Owns that transaction; it goes
// to one server, over the worker's link.
import { ask } from '../servers/loopback.mjs'

/** @typedef {import('../../src/index.ts').Hold} Hold */
/** @typedef {{ text: string | undefined, commit: (text: string) => Promise<boolean> }} Stored what was read, and the guarded write */
/** @typedef {(endpoint: string, key: { name: string, revision: bigint }) => Promise<Stored | undefined>} Open */

const timeoutMs = 5_000

/**
 * Adds the element under the hold. Resolves with whether the store has acknowledged it: false if it refused, or did not
 * answer.
 * @param {{ backend: string, endpoints: string[] }} plan
 * @param {Hold} hold
 * @param {string} element
 * @param {() => Promise<unknown>} wait
 */
export default async function addToStored({ backend, endpoints }, hold, element, wait) {
  const { key } = hold
  const endpoint = endpoints[element.length % endpoints.length]
  if (!key || !endpoint) return false
  const stored = await opens[backend]?.(endpoint, key)
  if (!stored) return false
  await wait()
  const set = stored.text === undefined ? [] : JSON.parse(stored.text)
  return stored.commit(JSON.stringify([...set, element]))
}

/** @type {Record<string, Open>} */
const opens = { etcd, consul }

/** @type {Open} */
async function etcd(endpoint, { name, revision }) {
  const compare = [
    { key: base64(name), target: 'CREATE', result: 'EQUAL', create_revision: String(revision) },
  ]
  const txn = async (/** @type {object} */ operation) => {
    const body = JSON.stringify({ compare, success: [operation] })
    const answer = await ask(`http://${endpoint}/v3/kv/txn`, { method: 'POST', body, timeoutMs })
    const said = answer?.status === 200 ? JSON.parse(answer.body) : undefined
    return said?.succeeded ? said : undefined
  }
  const read = await txn({ request_range: { key: base64('stored-set') } })
  const [kv] = read?.responses?.[0]?.response_range?.kvs ?? []
  const commit = async (/** @type {string} */ text) =>
    (await txn({ request_put: { key: base64('stored-set'), value: base64(text) } })) !== undefined
  return read && { text: kv && Buffer.from(kv.value, 'base64').toString(), commit }
}

/** @type {Open} */
async function consul(endpoint, { name, revision }) {
  const check = { KV: { Verb: 'check-index', Key: name, Index: Number(revision) } }
  const txn = async (/** @type {object} */ operation) => {
    const body = JSON.stringify([check, operation])
    const answer = await ask(`http://${endpoint}/v1/txn`, { method: 'PUT', body, timeoutMs })
    return answer?.status === 200 ? JSON.parse(answer.body) : undefined
  }
  // Of a key that is missing this is no error, as `get` would be.
  const read = await txn({ KV: { Verb: 'get-tree', Key: 'stored-set' } })
  const value = (read?.Results ?? []).find(
    (/** @type {{ KV: { Key: string } }} */ { KV }) => KV.Key === 'stored-set',
  )
  const commit = async (/** @type {string} */ text) =>
    (await txn({ KV: { Verb: 'set', Key: 'stored-set', Value: base64(text) } })) !== undefined
  return read && { text: value && Buffer.from(value.KV.Value, 'base64').toString(), commit }
}

/** @param {string} text */
const base64 = (text) => Buffer.from(text).toString('base64')

// @ts-check
// Consul without Leasehold, through the same npm package: the raw writes that a cycle is compared with, and
// Leasehold's transactions without its code.
import Consul from 'consul'

/** @typedef {InstanceType<typeof Consul>} Client */

const value = '{"host":"somewhere","pid":12345}'

/** @param {string} endpoint `host:port` @returns {Client} */
export function bareClient(endpoint) {
  const [host = '', port = ''] = endpoint.split(':')
  return new Consul({ host, port: Number(port) })
}

/**
 * A session that lasts longer than a bench, and is ended only by its time to live.
 *
 * @param {Client} client
 * @returns {Promise<string>}
 */
export async function bareSession(client) {
  return (await client.session.create({ ttl: '600s', checks: [], lockdelay: '0s' })).ID
}

/**
 * A raw write of a small key.
 *
 * @param {Client} client
 * @param {string} name
 * @returns {() => Promise<unknown>}
 */
export function rawWrite(client, name) {
  return () => client.kv.set({ key: `${name}-raw`, value })
}

/**
 * The two transactions of an uncontended cycle as Leasehold's mutex sends them: the cost of a lock in the server.
 * Their flags differ from Go's, which npm consul cannot send in a transaction.
 *
 * @param {Client} client
 * @param {string} name
 */
export async function bareCycle(client, name) {
  const Session = await bareSession(client)
  const [line, lock, tombstone] = [`${name}/.line`, `${name}/.lock`, `${name}/.withdrawn/${Session}.1`]
  const absent = (/** @type {string} */ Key) => ({ KV: { Verb: 'check-not-exists', Key } })
  const own = { Verb: 'lock', Key: lock, Value: Buffer.from(value).toString('base64'), Flags: 1, Session }
  const take = [absent(tombstone), absent(line), absent(lock), { KV: own }]
  const send = (/** @type {object[]} */ operations) =>
    client.transaction.create(/** @type {any} */ (operations), {
      operations: [],
    })
  return async () => {
    const { Results = [] } = await send(take)
    const Index = Results.at(-1)?.KV.ModifyIndex
    await send([absent(line), { KV: { Verb: 'delete-cas', Key: lock, Index } }])
  }
}

/**
 * A typical hand-written mutex, of acquire, release and a blocking query: all waiters wake and race. It is simpler and
 * faster than Go's, which reads before it tries, and may sleep for 5 s after a lost race.
 *
 * @param {Client} client
 * @param {string} session
 */
export function handWritten(client, session) {
  const acquire = (/** @type {string} */ key) => client.kv.set({ key, value, acquire: session })
  const read = (/** @type {string} */ key, /** @type {object} */ wait) =>
    /** @type {Promise<{ Session?: string, ModifyIndex: number } | undefined>} */ (
      /** @type {unknown} */ (client.kv.get({ key, ...wait }))
    )
  return {
    async acquire(/** @type {string} */ name) {
      const key = `${name}-by-hand`
      while (!(await acquire(key))) {
        let seen = await read(key, {})
        while (seen?.Session) seen = await read(key, { index: seen.ModifyIndex, wait: '15s' })
      }
      return () => client.kv.set({ key, value, release: session })
    },
  }
}

// @ts-check
// Many callers of one client: time-outs that come together, observers of one election. And many sessions of one folder.
import { now } from '../lib/measure.mjs'
import { median } from '../lib/stats.mjs'
import { trafficWhile } from './stores.mjs'

/** @typedef {import('./stores.mjs').Store} Store */
/** @typedef {import('../../src/index.ts').Leasehold} Leasehold */

const waitMs = 500
const changes = 5

/** Callers whose time is over at the same moment. @param {Store} store @param {number} count */
export async function timeouts(store, count) {
  const [holder, client] = await Promise.all([store.open(), store.open()])
  try {
    const name = `scale-late-${count}`
    const hold = await holder.mutex(name).acquire()
    const began = now()
    let lateMs = 0
    let named = 0
    const ask = async () => {
      const error = await client
        .mutex(name)
        .acquire({ waitMs })
        .catch((each) => each)
      lateMs = Math.max(lateMs, now() - began - waitMs)
      if (String(error.message).includes('held by')) named += 1
    }
    const traffic = await trafficWhile(store, () => Promise.all(Array.from({ length: count }, ask)))
    await hold.release()
    return { lateMs, namedPercent: (100 * named) / count, traffic }
  } finally {
    await Promise.all([holder.close(), client.close()])
  }
}

/** Observers of one election in one client. The figures are those of one change. @param {Store} store @param {number} count */
export async function observers(store, count) {
  const [leader, client] = await Promise.all([store.open(), store.open()])
  try {
    const name = `scale-election-${count}`
    const term = await leader.election(name).campaign({ value: '0' })
    const crowd = new Crowd(client, name, count)
    await crowd.until('0')
    /** @type {number[]} */
    const samples = []
    const traffic = await trafficWhile(store, async () => {
      for (let change = 1; change <= changes; change += 1) {
        const began = now()
        await Promise.all([crowd.until(String(change)), term.proclaim(String(change))])
        samples.push(now() - began)
      }
    })
    await crowd.leave()
    return {
      toldMs: median(samples),
      change: traffic && { messages: traffic.messages / changes, bytes: traffic.bytes / changes },
    }
  } finally {
    await Promise.all([leader.close(), client.close()])
  }
}

/** The observers of one client. */
class Crowd {
  /** @type {Map<string, number>} */
  #seen = new Map()
  #told = () => {}
  #count
  #observing

  /** @param {Leasehold} client @param {string} name @param {number} count */
  constructor(client, name, count) {
    this.#count = count
    this.#observing = Array.from({ length: count }, () => client.election(name).observe())
    for (const observing of this.#observing) void this.#follow(observing)
  }

  /** Resolves when each has seen this value. @param {string} value @returns {Promise<void>} */
  async until(value) {
    while ((this.#seen.get(value) ?? 0) < this.#count)
      await new Promise((resolve) => (this.#told = () => resolve(undefined)))
  }

  leave() {
    return Promise.all(this.#observing.map((observing) => observing.return(/** @type {never} */ (undefined))))
  }

  /** @param {import('../../src/index.ts').Observing} observing */
  async #follow(observing) {
    for await (const leader of observing) {
      const value = leader?.value ?? ''
      this.#seen.set(value, (this.#seen.get(value) ?? 0) + 1)
      this.#told()
    }
  }
}

/**
 * How long a client takes to connect next to so many others, in ms: the median of the last ten.
 *
 * @param {Store} store
 * @param {readonly number[]} counts
 */
export async function connects(store, counts) {
  /** @type {Leasehold[]} */
  const clients = []
  const points = []
  try {
    for (const size of counts) {
      const samples = []
      while (clients.length < size) {
        const began = now()
        clients.push(await store.open())
        samples.push(now() - began)
      }
      points.push({ size, value: median(samples.slice(-10)) })
    }
    return points
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}

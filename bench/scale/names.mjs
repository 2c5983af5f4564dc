// @ts-check
// Many names: each taken once and left again, and cron jobs that two hosts guard.
import { heapBytes } from './heap.mjs'
import { trafficWhile } from './stores.mjs'

/** @typedef {import('./stores.mjs').Store} Store */

const atATime = 32

/** Takes each of so many names once. The figures are those of one name. @param {Store} store @param {number} count */
export async function namesOnce(store, count) {
  const client = await store.open()
  try {
    const names = Array.from({ length: count }, (_, index) => `scale-once-${count}-${index}`)
    await one(client, 'scale-once')
    const before = await heapBytes()
    const traffic = await trafficWhile(store, () => {
      const left = names.values()
      const loop = async () => {
        for (const name of left) await one(client, name)
      }
      return Promise.all(Array.from({ length: atATime }, loop))
    })
    const heap = (await heapBytes()) - before
    const left = (await client.survey(`scale-once-${count}-`)).length
    return { requests: traffic && traffic.messages / count, heap: Math.max(0, heap) / 1_024, left }
  } finally {
    await client.close()
  }
}

/** @param {import('../../src/index.ts').Leasehold} client @param {string} name */
async function one(client, name) {
  const hold = await client.mutex(name).acquire()
  await hold.release()
}

/** One tick of so many cron jobs, each guarded by two hosts at the same moment. @param {Store} store @param {number} count */
export async function guards(store, count) {
  const hosts = await Promise.all([store.open(), store.open()])
  try {
    const jobs = Array.from({ length: count }, (_, index) => `scale-cron-${count}-${index}`)
    const tick = new Date(0)
    const guard = (/** @type {import('../../src/index.ts').Leasehold} */ host) =>
      Promise.all(jobs.map((name) => host.cron(name, {}).run(() => {}, { tick })))
    const traffic = await trafficWhile(store, () => Promise.all(hosts.map(guard)))
    return { requests: traffic && traffic.messages / count / hosts.length }
  } finally {
    await Promise.all(hosts.map((host) => host.close()))
  }
}

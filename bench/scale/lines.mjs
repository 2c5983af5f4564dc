// @ts-check
// Many clients on one name: a mutex with a long line, a semaphore with many permits, and a mutex next to many processes.
import { now, sleep } from '../lib/measure.mjs'
import { median } from '../lib/stats.mjs'
import { Worker } from '../lib/workers.mjs'
import { handOvers } from './holds.mjs'
import { openMany, trafficWhile } from './stores.mjs'

/** @typedef {import('./stores.mjs').Store} Store */

const rounds = 15
/** How long a caller stands in line before the release that serves it, in ms. */
const inLineMs = 20

/** Each of `count` clients waits once for one mutex, and releases it at once. @param {Store} store @param {number} count */
export async function waiters(store, count) {
  const [holder, ...clients] = await openMany(store, count + 1)
  try {
    const name = `scale-line-${count}`
    const hold = await holder?.mutex(name).acquire()
    /** @type {Promise<unknown>[]} */
    const turns = []
    const began = now()
    const joining = await trafficWhile(store, () =>
      Promise.all(
        clients.map(
          (client) =>
            new Promise((resolve, reject) => {
              const onWait = () => resolve(undefined)
              const turn = client.mutex(name).acquire({ onWait })
              turns.push(turn.then((next) => next.release()))
              turn.catch(reject)
            }),
        ),
      ),
    )
    const joinMs = (now() - began) / count
    const released = now()
    const passing = await trafficWhile(store, async () => {
      await hold?.release()
      await Promise.all(turns)
    })
    const passMs = (now() - released) / count
    return { joinMs, passMs, joining: each(joining, count), passing: each(passing, count) }
  } finally {
    await Promise.all([holder, ...clients].map((client) => client?.close()))
  }
}

/** Four clients with four callers for each permit, which hold for 5 ms each. @param {Store} store @param {number} permits */
export async function permits(store, permits, forMs = 2_500) {
  const clients = await openMany(store, 4)
  const holdMs = 5
  let cycles = 0
  try {
    const loop = async (
      /** @type {import('../../src/index.ts').Semaphore} */ lock,
      /** @type {number} */ end,
    ) => {
      while (now() < end) {
        const hold = await lock.acquire()
        await sleep(holdMs)
        await hold.release()
        cycles += 1
      }
    }
    const began = now()
    const traffic = await trafficWhile(store, () =>
      Promise.all(
        clients.flatMap((client) => {
          const lock = client.semaphore(`scale-permits-${permits}`, { permits })
          return Array.from({ length: 4 * permits }, () => loop(lock, began + forMs))
        }),
      ),
    )
    const used = (cycles * holdMs) / ((now() - began) * permits)
    return { cycle: each(traffic, cycles), usedPercent: 100 * used }
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}

/**
 * One client has all permits of a name, each as a hold of its own, and one caller of another client waits for one. The time from
 * the call of `release` to the end of that caller's `acquire`.
 *
 * @param {Store} store
 * @param {number} permits
 */
export async function takenPermits(store, permits) {
  const [one, other] = await Promise.all([store.open(), store.open()])
  try {
    const name = `scale-taken-${permits}`
    const [mine, theirs] = [one.semaphore(name, { permits }), other.semaphore(name, { permits })]
    const holds = await Promise.all(Array.from({ length: permits }, () => mine.acquire()))
    const samples = []
    for (let round = 0; round < rounds; round += 1) {
      const { next, ms } = await handOver(holds.shift(), theirs)
      samples.push(ms)
      await next.release()
      holds.push(await mine.acquire())
    }
    return { handOverMs: median(samples) }
  } finally {
    await Promise.all([one.close(), other.close()])
  }
}

/** Releases a hold for which a caller stands in line. @param {import('../../src/index.ts').Hold | undefined} hold @param {import('../../src/index.ts').Semaphore} theirs */
async function handOver(hold, theirs) {
  const acquired = theirs.acquire().then((next) => ({ next, at: now() }))
  await sleep(inLineMs)
  const released = now()
  const [{ next, at }] = await Promise.all([acquired, hold?.release()])
  return { next, ms: at - released }
}

/** A hand-over next to processes that hold one name, and wait for another. @param {Store} store @param {number} count */
export async function processes(store, count) {
  const [one, other] = await Promise.all([store.open(), store.open()])
  const workers = await Promise.all(Array.from({ length: count }, () => Worker.open('leasehold', store.url)))
  try {
    await one.mutex('scale-never').acquire()
    await Promise.all(workers.map((worker, index) => worker.acquire(`scale-own-${count}-${index}`)))
    for (const worker of workers) worker.acquire('scale-never').catch(() => {}) // it is killed while it waits
    await sleep(500)
    return { handOverMs: await handOvers(one, other, `scale-processes-${count}`) }
  } finally {
    for (const worker of workers) worker.kill()
    await Promise.all([one.close(), other.close()])
  }
}

/** @param {import('./stores.mjs').Traffic | undefined} traffic @param {number} count */
function each(traffic, count) {
  return traffic && { messages: traffic.messages / count, bytes: traffic.bytes / count }
}

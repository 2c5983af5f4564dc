// @ts-check
// A client with many holds: how fast it gets them all at once, how fast it gets one more, what it costs at rest and in memory,
// how long another client needs to read all names, and how it closes.
import { now, sleep } from '../lib/measure.mjs'
import { median } from '../lib/stats.mjs'
import { heapBytes } from './heap.mjs'
import { trafficWhile } from './stores.mjs'

/** @typedef {import('./stores.mjs').Store} Store */
/** @typedef {import('../../src/index.ts').Hold} Hold */

/** Holders begin to watch their claims after a tenth of the time to live. */
const settleMs = 2_500
const rounds = 15
const inLineMs = 15

/**
 * @param {Store} store
 * @param {number} count
 * @param {number} restMs how long to look at it at rest
 */
export async function holds(store, count, restMs) {
  const [one, many] = await Promise.all([store.open(), store.open()])
  try {
    const names = Array.from({ length: count }, (_, index) => `scale-${count}-${index}`)
    const before = await heapBytes()
    const began = now()
    const held = await Promise.all(names.map((name) => many.mutex(name).acquire()))
    const acquireMs = (now() - began) / count
    await sleep(settleMs)
    const bytes = ((await heapBytes()) - before) / count
    const surveyed = now()
    await one.survey(`scale-${count}-`)
    const surveyMs = now() - surveyed
    const handOverMs = await handOvers(one, many, `scale-hand-${count}`)
    const rest = await atRest(store, restMs)
    const lost = held.filter((hold) => !hold.held).length
    const closing = now()
    await many.close()
    const closeMs = now() - closing
    const left = (await one.survey(`scale-${count}-`)).length
    return { acquireMs, handOverMs, bytes, surveyMs, ...rest, lost, closeMs, left }
  } finally {
    await Promise.all([one.close(), many.close()])
  }
}

/**
 * @param {import('../../src/index.ts').Leasehold} one
 * @param {import('../../src/index.ts').Leasehold} other
 * @param {string} name
 */
export async function handOvers(one, other, name) {
  const samples = []
  for (let round = 0; round < rounds; round += 1) {
    const hold = await one.mutex(name).acquire()
    const acquired = other
      .mutex(name)
      .acquire()
      .then((next) => ({ next, at: now() }))
    await sleep(inLineMs)
    const released = now()
    const [{ next, at }] = await Promise.all([acquired, hold.release()])
    samples.push(at - released)
    await next.release()
  }
  return median(samples)
}

/** Requests, and ms of a processor, a second. @param {Store} store @param {number} restMs */
async function atRest(store, restMs) {
  const before = process.cpuUsage()
  const traffic = await trafficWhile(store, () => sleep(restMs))
  const { user, system } = process.cpuUsage(before)
  const seconds = restMs / 1_000
  return {
    restRequests: traffic && traffic.messages / seconds,
    restCpuMs: (user + system) / 1_000 / seconds,
  }
}

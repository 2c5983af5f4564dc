// @ts-check
// The locks of redlock and redis-semaphore as contenders, on one Redis. Owns their settings: a life of 15 s, and the
// shortest pause before they ask again, 1 ms, since both find out by asking that a lock is free.
import { createRequire } from 'node:module'

/** @typedef {import('./contenders.mjs').Contender} Contender */

const lifeMs = 15_000
const pauseMs = 1

/** @param {string} target a URL @returns {Promise<Contender>} */
export async function redlock(target) {
  const redis = await connected(target)
  const { default: Redlock } = createRequire(import.meta.url)('redlock') // its ESM build has no types that resolve
  const locks = new Redlock([redis], { retryCount: -1, retryDelay: pauseMs, retryJitter: 0 })
  return {
    async acquire(name) {
      const lock = await locks.acquire([name], lifeMs)
      return () => lock.release()
    },
    close: () => redis.quit(),
  }
}

/** @param {string} target a URL @returns {Promise<Contender>} */
export async function redisSemaphore(target) {
  const redis = await connected(target)
  const { Mutex } = await import('redis-semaphore')
  const settings = { lockTimeout: lifeMs, acquireTimeout: 10 * lifeMs, retryInterval: pauseMs }
  return {
    async acquire(name) {
      const mutex = new Mutex(/** @type {any} */ (redis), name, settings)
      await mutex.acquire()
      return () => mutex.release()
    },
    close: () => redis.quit(),
  }
}

/** @param {string} target */
async function connected(target) {
  const { Redis } = await import('ioredis')
  return new Redis(target)
}

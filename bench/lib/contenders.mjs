// @ts-check
// The lock clients that contend in a separate process, with one interface for worker.mjs. Owns the settings of the
// peers; each bench chooses the lock and the number of rounds.
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from './leasehold.mjs'

/** @typedef {() => Promise<unknown>} Release */
/** @typedef {{ acquire: (name: string) => Promise<Release>, close: () => Promise<unknown> }} Contender */

/** @type {Record<string, (target: string) => Promise<Contender>>} */
export const contenders = {
  /** `target` is a URL. */
  async leasehold(target) {
    const client = await connect(target)
    return {
      async acquire(name) {
        const hold = await client.mutex(name).acquire()
        return () => hold.release()
      },
      close: () => client.close(),
    }
  },

  /** Candidates of an election. `target` is a URL. */
  async election(target) {
    const client = await connect(target)
    return {
      async acquire(name) {
        const term = await client.election(name).campaign()
        return () => term.resign()
      },
      close: () => client.close(),
    }
  },

  /** By hand over npm consul, with one session. `target` is `host:port`. */
  async consul(target) {
    const { bareClient, bareSession, handWritten } = await import('../consul/bare.mjs')
    const client = bareClient(target)
    const { acquire } = handWritten(client, await bareSession(client))
    return { acquire, close: async () => client.destroy() }
  },

  /** `target` is a directory. It asks again every ms, which is the fastest that its option allows. */
  async 'proper-lockfile'(target) {
    const { lock } = await loadProperLockfile()
    const retries = { forever: true, retries: 1, factor: 1, minTimeout: 1, maxTimeout: 1 }
    return {
      async acquire(name) {
        const path = join(target, name)
        closeSync(openSync(path, 'a')) // the file to lock must exist
        return lock(path, { retries })
      },
      close: async () => {},
    }
  },
}

/**
 * It has no types of its own.
 *
 * @returns {Promise<{ lock: (path: string, options?: object) => Promise<Release> }>}
 */
export async function loadProperLockfile() {
  const specifier = 'proper-lockfile'
  return (await import(specifier)).default
}

// @ts-check
// The lock clients that contend in a separate process, with one interface for worker.mjs. Owns the settings of the
// peers; each bench chooses the lock and the number of rounds.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from './leasehold.mjs'
import { redisSemaphore, redlock } from './redis.mjs'

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

  /** The lock that etcd3 has. It cannot wait. `target` is `host:port`. */
  async etcd3(target) {
    const { Etcd3 } = await import('etcd3')
    const client = new Etcd3({ hosts: `http://${target}` })
    return {
      async acquire(name) {
        const lock = await client.lock(name).ttl(15).acquire()
        return () => lock.release()
      },
      close: async () => client.close(),
    }
  },

  /** The command of util-linux around `cat`, which echoes once it runs, and ends with its input. `target` is a directory. */
  async flock(target) {
    /** @type {Set<import('node:child_process').ChildProcess>} */
    const held = new Set()
    const end = async (/** @type {import('node:child_process').ChildProcess} */ child) => {
      held.delete(child)
      const ended = once(child, 'exit')
      child.stdin?.end()
      await ended
    }
    return {
      async acquire(name) {
        const child = spawn('flock', [join(target, name), 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
        held.add(child)
        child.stdin.write('held')
        await once(child.stdout, 'data')
        return () => end(child)
      },
      close: () => Promise.all([...held].map(end)),
    }
  },

  redlock,
  'redis-semaphore': redisSemaphore,
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

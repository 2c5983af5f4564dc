// @ts-check
// `etcdctl lock` and `consul lock`, with the verbs of lib/workers.mjs. Each hold is a process. It holds when it says so, so a
// sample has a pipe in it, and with `consul lock` the start of its shell.
import { once } from 'node:events'
import { join } from 'node:path'
import { spawnOwned } from '../../tools/servers/children.mjs'
import { cleanEnvironment } from '../../tools/servers/command.mjs'
import { serverOf } from '../../tools/servers/run.mjs'
import { now, sleep } from '../lib/measure.mjs'

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

/** The time from the start of a command until it stands in line. */
const startMs = 400

/** Waits and holds as processes of one command, one at a time. */
export class CommandWorker {
  #start
  #end
  /** @type {ChildProcess | undefined} */
  #child

  /** @param {(name: string) => ChildProcess} start @param {(child: ChildProcess) => void} end asks it to release */
  constructor(start, end) {
    this.#start = start
    this.#end = end
  }

  /** @param {string} name the instant at which it was held */
  async acquire(name) {
    const child = this.#start(name)
    this.#child = child
    if (child.stdout) await once(child.stdout, 'data')
    return now()
  }

  /** Resolves when the process stands in line. */
  async inLine() {
    await sleep(startMs)
  }

  /** The instant at which the release was asked for. */
  async release() {
    const child = this.#child
    const at = now()
    if (child && child.exitCode === null) {
      const ended = once(child, 'exit')
      this.#end(child)
      await ended
    }
    return at
  }

  async close() {
    await this.release()
  }
}

/** @param {import('../../tools/servers/run.mjs').EtcdCluster} etcd @returns {CommandWorker} */
export function etcdctlLock(etcd) {
  return new CommandWorker(
    (name) => etcd.spawnEtcdctl(['lock', name]),
    (child) => child.kill('SIGINT'),
  )
}

/** @param {string} endpoint @returns {Promise<CommandWorker>} */
export async function consulLock(endpoint) {
  const file = join((await serverOf('consul', undefined)).dir, 'consul')
  const env = cleanEnvironment({ CONSUL_HTTP_ADDR: `http://${endpoint}` })
  const start = (/** @type {string} */ name) =>
    spawnOwned(file, ['lock', '-pass-stdin', name, 'echo held; cat'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env,
    })
  return new CommandWorker(start, (child) => child.stdin?.end())
}

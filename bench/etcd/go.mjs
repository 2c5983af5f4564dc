// @ts-check
// The hand-over of Go's mutex, between two processes of `etcdctl lock`. etcdctl prints its key when it holds, after
// one more read, and unlocks on SIGINT. So a sample goes from the signal to the first output of the next one in line.
import { now, sleep } from '../lib/measure.mjs'

/** @typedef {import('../../tools/servers/run.mjs').EtcdCluster} EtcdCluster */
/** @typedef {{ held: Promise<number>, end: () => Promise<number> }} GoHolder */

/**
 * A batch of one sample, as `handOver` of lib/workers.mjs. `standing` counts the claims on a name.
 *
 * @param {EtcdCluster} etcd
 * @param {string} name
 * @param {{ lineMs: number, standing: (name: string) => Promise<number> }} how
 */
export function goHandOver(etcd, name, { lineMs, standing }) {
  let holder = start(etcd, name)
  return async () => {
    await holder.held
    const waiter = start(etcd, name)
    while ((await standing(name)) < 2) await sleep(2)
    await sleep(lineMs)
    const [released, held] = await Promise.all([holder.end(), waiter.held])
    holder = waiter
    return [held - released]
  }
}

/** @param {EtcdCluster} etcd @param {string} name @returns {GoHolder} */
function start(etcd, name) {
  const child = etcd.spawnEtcdctl(['lock', name])
  const held = new Promise((resolve) => child.stdout.once('data', () => resolve(now())))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const end = async () => {
    const at = now()
    child.kill('SIGINT')
    await ended
    return at
  }
  return { held, end }
}

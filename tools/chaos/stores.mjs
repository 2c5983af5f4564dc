// @ts-check
// The stores that `npm run chaos` can try, behind one type.
import { consulStage } from './consul.mjs'
import { etcdStage } from './etcd.mjs'
import { fileStage } from './file.mjs'

/**
 * @typedef {object} Stage a store that runs, with what a run needs to know of it
 * @property {string} title with its version
 * @property {readonly import('../servers/run.mjs').Member[]} members
 * @property {readonly import('./link.mjs').Link[]} peers the link in front of each member's port for its peers
 * @property {() => Promise<import('../servers/run.mjs').Member | undefined>} leader
 * @property {import('./crew.mjs').Target} target
 * @property {readonly [number, number]} ttlsMs a time to live near the least, and the default
 * @property {(ttlMs: number) => number} coveredMs how long a worker that is cut off may believe, at most
 * @property {(ttlMs: number) => number} recoveryMs how long a lock may stay with a holder that is gone, at most
 * @property {Record<string, () => Promise<unknown>>} acts what only this store can meet
 * @property {() => Promise<string[]>} left what is in the store when all workers have ended
 * @property {() => Promise<string[]>} storedSet the set that is guarded by the store's own transactions
 * @property {() => Promise<unknown>} close
 */

/** @type {Record<string, (options: { line?: string | undefined, index: string }) => Promise<Stage>>} */
export const stages = { etcd: etcdStage, consul: consulStage, file: fileStage }

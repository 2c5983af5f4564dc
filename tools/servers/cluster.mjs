// @ts-check
// A set of members started together in one temporary folder, and one call that ends all of them. Owns the new attempt
// after a conflict of ports; etcd.mjs and consul.mjs describe the members.

import { ownedFolder } from './children.mjs'
import { Member, PortTaken } from './member.mjs'

/**
 * @typedef {object} Cluster
 * @property {[Member, ...Member[]]} members
 * @property {string} dataDir
 * @property {() => Promise<void>} close
 */
/** @typedef {(dataDir: string) => Promise<import('./member.mjs').MemberPlan[]>} Planner */

const ATTEMPTS_MAX = 5

/**
 * Starts all members that `plan` describes, and resolves when every one is healthy. If a port is taken, asks `plan`
 * again for other ports. If the start fails, nothing is left behind.
 *
 * @param {string} name
 * @param {Planner} plan
 * @returns {Promise<Cluster>}
 */
export async function startCluster(name, plan) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptStart(name, plan)
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === ATTEMPTS_MAX) throw error
    }
  }
}

/**
 * @param {string} name
 * @param {Planner} plan
 * @returns {Promise<Cluster>}
 */
async function attemptStart(name, plan) {
  const folder = ownedFolder(`leasehold-${name}`)
  /** @type {Member[]} */
  const members = []
  const close = async () => {
    await Promise.all(members.map((member) => member.kill()))
    await folder.remove()
  }
  try {
    for (const each of await plan(folder.path)) members.push(new Member(each))
    for (const member of members) member.start()
    await Promise.all(members.map((member) => member.healthy()))
  } catch (error) {
    await close()
    throw error
  }
  return { members: /** @type {Cluster['members']} */ (members), dataDir: folder.path, close }
}

/**
 * Names for the members of one cluster, different from those of all other clusters on this machine.
 *
 * @param {number} count
 * @returns {string[]}
 */
export function memberNames(count) {
  const tag = Math.random().toString(36).slice(2, 10)
  return Array.from({ length: count }, (_, index) => `m${index + 1}-${tag}`)
}

// @ts-check
// Starts a real Redis: for the examples of BullMQ and of a backend of one's own, and for the locks that are measured
// next to ours.

import { connect } from 'node:net'
import { join } from 'node:path'
import { memberNames, startCluster } from './cluster.mjs'
import { freePorts, HOST } from './loopback.mjs'
import { redisProgram } from './packages.mjs'

/**
 * Starts one Redis, and resolves when it answers. Rejects with what to install if there is none. It writes no files unless
 * `durable` is true: then it confirms nothing that it has not written to the disk.
 *
 * @param {{ durable?: boolean }} [options]
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function startRedis({ durable = false } = {}) {
  const program = await redisProgram()
  const safety = durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no']
  const { members, close } = await startCluster('redis', (dataDir) => planServer(program, dataDir, safety))
  return { url: `redis://${members[0].endpoint}`, close }
}

/**
 * @param {string[]} program
 * @param {string} dataDir
 * @param {string[]} safety
 * @returns {Promise<import('./member.mjs').MemberPlan[]>}
 */
async function planServer([file = '', ...first], dataDir, safety) {
  const [port = 0] = await freePorts(1)
  const [name = ''] = memberNames(1)
  const settings = ['--bind', HOST, '--port', String(port), '--dir', dataDir, '--save', '', ...safety]
  const isHealthy = () => answersPing(port)
  const logFile = join(dataDir, `${name}.log`)
  return [{ name, file, args: [...first, ...settings], endpoint: `${HOST}:${port}`, logFile, isHealthy }]
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function answersPing(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port }, () => socket.write('PING\r\n'))
    const settle = (/** @type {boolean} */ answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('data', (data) => settle(String(data).startsWith('+PONG'))).once('error', () => settle(false))
    socket.setTimeout(1_000, () => settle(false))
  })
}

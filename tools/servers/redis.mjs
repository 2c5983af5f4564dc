// @ts-check
// Starts a real Redis, for the example of BullMQ and for the locks of others that are measured beside ours. Leasehold has
// no backend for Redis.

import { connect } from 'node:net'
import { join } from 'node:path'
import { memberNames, startCluster } from './cluster.mjs'
import { freePorts, HOST } from './loopback.mjs'
import { redisProgram } from './packages.mjs'

/**
 * Starts one Redis without files, and resolves when it answers. With `durable` each write is on the disk before its answer,
 * as those of etcd and Consul are. Rejects with what to install if there is none.
 *
 * @param {{ durable?: boolean }} [options]
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function startRedis({ durable = false } = {}) {
  const program = await redisProgram()
  const writes = durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no']
  const { members, close } = await startCluster('redis', (dataDir) => planServer(program, dataDir, writes))
  return { url: `redis://${members[0].endpoint}`, close }
}

/**
 * @param {string[]} program
 * @param {string} dataDir
 * @param {string[]} writes
 * @returns {Promise<import('./member.mjs').MemberPlan[]>}
 */
async function planServer([file = '', ...first], dataDir, writes) {
  const [port = 0] = await freePorts(1)
  const [name = ''] = memberNames(1)
  const settings = ['--bind', HOST, '--port', String(port), '--dir', dataDir, '--save', '', ...writes]
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

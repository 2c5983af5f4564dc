// @ts-check
// Ports and plain HTTP on 127.0.0.1. Uses node:http instead of fetch, so that a test that replaces fetch, or counts
// connections of its shared pool, does not affect the harness.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/** The only address that servers under test listen on. */
export const HOST = '127.0.0.1'

const LOWEST_PORT = 15_000

/** Which process has which port: a server that restarts must find its port free, so others leave that port alone. */
const reservations = join(tmpdir(), `leasehold-ports-${userInfo().uid}`)

/**
 * Takes `count` different free ports, which no other call gets, in any process, until this process ends. A program that
 * is none of ours may take one before it is used, so callers try again with others after a conflict. They come from below
 * the range of outgoing connections. Otherwise, while a server is down, a client could get its port, even a client that
 * tries to reach that server and connects to itself.
 *
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  /** @type {Set<number>} */
  const ports = new Set()
  while (ports.size < count) {
    const wanted = candidatePort()
    if (wanted !== 0 && !reserve(wanted)) continue
    const port = await tryListen(wanted)
    if (port) ports.add(port)
  }
  return [...ports]
}

/** @param {number} port @returns {boolean} whether this process has it now */
function reserve(port) {
  mkdirSync(reservations, { recursive: true })
  const path = join(reservations, String(port))
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    if (!isRunning(Number(readOr(path, '')))) rmSync(path, { force: true }) // for the next call that draws this port
    return false
  }
}

/** @param {number} pid 0 while the file is being written */
function isRunning(pid) {
  if (pid === 0) return true
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

/** @param {string} path @param {string} otherwise */
function readOr(path, otherwise) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return otherwise
  }
}

function candidatePort() {
  const room = firstOutgoingPort() - LOWEST_PORT
  // 0 lets the kernel choose, if a machine has no room below its outgoing ports.
  return room < 1000 ? 0 : LOWEST_PORT + Math.floor(Math.random() * room)
}

function firstOutgoingPort() {
  try {
    const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
    return Number.parseInt(range, 10)
  } catch {
    return 32_768
  }
}

/**
 * @param {number} port
 * @returns {Promise<number | undefined>}
 */
function tryListen(port) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, HOST, () => {
      const address = server.address()
      const taken = typeof address === 'object' ? address?.port : undefined
      server.close(() => resolve(taken))
    })
  })
}

/**
 * One request on a separate connection. Resolves with `undefined` if no answer comes in time, which is normal while a
 * server starts.
 *
 * @param {string} url
 * @param {{ method?: string, headers?: Record<string, string>, body?: string | undefined,
 *   timeoutMs?: number }} [options]
 * @returns {Promise<{ status: number, body: string } | undefined>}
 */
export function ask(url, { method = 'GET', headers, body, timeoutMs = 1000 } = {}) {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const sent = request(url, { method, headers, agent: false, signal }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
      response.on('error', () => resolve(undefined))
    })
    sent.on('error', () => resolve(undefined))
    sent.end(body)
  })
}

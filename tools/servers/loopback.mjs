// @ts-check
// Ports and plain HTTP on 127.0.0.1. Uses node:http instead of fetch, so that a test that replaces fetch, or counts
// connections of its shared pool, does not affect the harness.

import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'

/** The only address that servers under test listen on. */
export const HOST = '127.0.0.1'

const LOWEST_PORT = 15_000

/**
 * Takes `count` different free ports. Another process may take one before it is used, so callers try again with others
 * after a conflict. They come from below the range of outgoing connections. Otherwise, while a server is down, a
 * client could get its port, even a client that tries to reach that server and connects to itself.
 *
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  /** @type {Set<number>} */
  const ports = new Set()
  while (ports.size < count) {
    const port = await tryListen(candidatePort())
    if (port) ports.add(port)
  }
  return [...ports]
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

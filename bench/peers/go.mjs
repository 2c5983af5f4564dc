// @ts-check
// The clients in Go, as test/peers steers them, with the verbs of lib/workers.mjs. Their instants are their own, on the clock
// that all processes of the machine share, so a sample has no pipe in it.
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ensurePeers } from '../../test/peers/build.mjs'
import { spawnOwned } from '../../tools/servers/children.mjs'

/** @typedef {{ id: number, at: number, took?: number[], error?: string }} Said */

const ttl = 15

/** A process with one client. */
export class GoWorker {
  /** @type {Map<number, (said: Said) => void>} */
  #asked = new Map()
  #ids = 0

  /** @param {'etcd' | 'consul'} kind @param {string} address */
  static async open(kind, address) {
    const worker = new GoWorker(join(await ensurePeers(), kind), address)
    if (kind === 'etcd') await worker.#ask('session')
    return worker
  }

  /** @param {'etcd' | 'consul'} kind @param {string} address @returns {Promise<[GoWorker, GoWorker]>} */
  static pair(kind, address) {
    return Promise.all([GoWorker.open(kind, address), GoWorker.open(kind, address)])
  }

  /** @param {string} file @param {string} address */
  constructor(file, address) {
    this.process = spawnOwned(file, [address], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.ended = once(this.process, 'exit')
    const lines = createInterface({
      input: /** @type {import('node:stream').Readable} */ (this.process.stdout),
    })
    lines.on('line', (line) => {
      const said = JSON.parse(line)
      this.#asked.get(said.id)?.(said)
      this.#asked.delete(said.id)
    })
  }

  /** @param {string} name the instant at which it was held */
  async acquire(name) {
    return (await this.#ask('lock', { name })).at
  }

  /** @param {string} name the instant at which the release was called */
  async release(name) {
    return (await this.#ask('unlock', { name })).at
  }

  /** @param {string} name @param {number} limit how often @returns {Promise<number[]>} how long each cycle took, in ms */
  async cycles(name, limit) {
    return (await this.#ask('cycles', { name, limit })).took ?? []
  }

  async close() {
    this.process.stdin?.end()
    this.process.kill()
    await this.ended
  }

  /** @param {string} verb @param {object} [fields] @returns {Promise<Said>} */
  async #ask(verb, fields) {
    this.#ids += 1
    const id = this.#ids
    /** @type {Promise<Said>} */
    const answered = new Promise((resolve) => this.#asked.set(id, resolve))
    this.process.stdin?.write(`${JSON.stringify({ id, verb, ttl, ...fields })}\n`)
    const said = await answered
    if (said.error !== undefined) throw new Error(`${verb} in Go: ${said.error}`)
    return said
  }
}

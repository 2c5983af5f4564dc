// @ts-check
// A TCP link with faults, between a worker and a server or in front of a member's port for its peers. Owns bytes and
// connections, and does not know their meaning; faults.mjs decides when what happens.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { HOST } from '../servers/loopback.mjs'

/** @typedef {'up' | 'down'} Direction `up` goes to the server */
/** @typedef {'pass' | 'hold' | 'drop' | 'trickle'} Mode */
/** @typedef {{ direction: Direction, source: import('node:net').Socket, target: import('node:net').Socket, kept: Buffer[] }} Pipe */

const trickleBytes = 64
const trickleMs = 20

/** One link. Its address stays the same; `target` is 'host:port'. */
export class Link {
  /** @type {Set<Pipe>} */
  #pipes = new Set()
  /** @type {Record<Direction, Mode>} */
  #modes = { up: 'pass', down: 'pass' }
  /** New connections are taken and never reach the server. */
  #isHalfOpen = false
  #target
  #delayMs = 0
  #server = createServer({ allowHalfOpen: true }, (client) => this.#join(client))
  #trickling = setInterval(() => this.#trickle(), trickleMs).unref()

  /** @param {string} target */
  constructor(target) {
    this.#target = target
  }

  /** @param {string} target @param {number} [port] 0 for any */
  static async open(target, port = 0) {
    const link = new Link(target)
    await once(link.#server.listen(port, HOST), 'listening')
    return link
  }

  get address() {
    return `${HOST}:${/** @type {import('node:net').AddressInfo} */ (this.#server.address()).port}`
  }

  /** @param {Mode} mode @param {Direction[]} directions */
  set(mode, ...directions) {
    for (const direction of directions) this.#modes[direction] = mode
  }

  /** Each byte takes so much longer, in each direction. @param {number} ms */
  delay(ms) {
    this.#delayMs = ms
  }

  /** Resets every connection. */
  reset() {
    for (const { source, target } of this.#pipes)
      for (const socket of [source, target]) socket.resetAndDestroy()
  }

  /** The server's side of each connection is gone, and its client is not told. New connections are as useless. */
  halfOpen() {
    this.#isHalfOpen = true
    this.set('drop', 'up', 'down')
    for (const { direction, target } of this.#pipes) if (direction === 'up') target.destroy()
  }

  /** Everything passes again. Bytes that were held arrive late; a connection that lost bytes is reset. */
  heal() {
    const lost = this.#isHalfOpen || Object.values(this.#modes).includes('drop')
    this.#isHalfOpen = false
    this.#delayMs = 0
    this.set('pass', 'up', 'down')
    if (lost) return this.reset()
    for (const { kept, target } of this.#pipes) for (const bytes of kept.splice(0)) target.write(bytes)
  }

  close() {
    clearInterval(this.#trickling)
    this.#server.close()
    this.reset()
  }

  /** @param {import('node:net').Socket} client */
  #join(client) {
    const [host = '', port = ''] = this.#target.split(':')
    const server = this.#isHalfOpen ? undefined : connect({ host, port: Number(port), allowHalfOpen: true })
    client.on('error', () => {})
    if (!server) return void client.resume()
    const pipes = [this.#pipe('up', client, server), this.#pipe('down', server, client)]
    for (const socket of [client.setNoDelay(), server.setNoDelay()]) {
      socket.on('error', () => {}).on('close', () => this.#end(pipes))
    }
  }

  /** @param {Direction} direction @param {import('node:net').Socket} source @param {import('node:net').Socket} target */
  #pipe(direction, source, target) {
    /** @type {Pipe} */
    const pipe = { direction, source, target, kept: [] }
    this.#pipes.add(pipe)
    source.on('data', (bytes) => this.#take(pipe, bytes))
    source.on('end', () => {
      if (this.#modes[direction] === 'pass') target.end()
    })
    return pipe
  }

  /** @param {Pipe} pipe @param {Buffer} bytes */
  #take(pipe, bytes) {
    const mode = this.#modes[pipe.direction]
    if (mode === 'drop') return
    if (mode !== 'pass' || pipe.kept.length > 0) return void pipe.kept.push(bytes)
    if (this.#delayMs > 0) setTimeout(() => pipe.target.write(bytes), this.#delayMs)
    else pipe.target.write(bytes)
  }

  /** Lets a few bytes of each slow connection pass. */
  #trickle() {
    for (const { direction, kept, target } of this.#pipes) {
      const [first] = kept
      if (this.#modes[direction] !== 'trickle' || !first) continue
      target.write(first.subarray(0, trickleBytes))
      if (first.length > trickleBytes) kept[0] = first.subarray(trickleBytes)
      else kept.shift()
    }
  }

  /** One side has gone: what it sent before may still arrive, unless its link holds or drops it. @param {Pipe[]} pipes */
  #end(pipes) {
    // In a cut network the other side is not told.
    if (Object.values(this.#modes).some((mode) => mode !== 'pass')) return
    for (const pipe of pipes) {
      this.#pipes.delete(pipe)
      pipe.source.destroy()
      pipe.target.destroy()
    }
  }
}

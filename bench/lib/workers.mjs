// @ts-check
// Contending processes, seen from the bench: starts them, asks them, ends them. worker.mjs is their program.
import { fileURLToPath } from 'node:url'
import { spawnOwned } from '../../tools/servers/children.mjs'
import { now, sleep } from './measure.mjs'

/**
 * @typedef {object} Side of a hand-over
 * @property {(name: string) => Promise<number>} acquire resolves with the instant at which it was held
 * @property {(name: string) => Promise<number>} release resolves with the instant at which the release was called
 * @property {() => Promise<void>} [inLine] resolves when it stands in line, for one that takes long to get there
 * @property {() => Promise<void>} close
 */

const program = fileURLToPath(new URL('worker.mjs', import.meta.url))

/** A process with one client. */
export class Worker {
  /** @type {Map<number, { resolve: (answer: any) => void, reject: (error: Error) => void }>} */
  #asked = new Map()
  #ids = 0

  /** @param {string} kind one of contenders.mjs @param {string} target */
  static async open(kind, target) {
    const worker = new Worker()
    await worker.#ask('open', kind, target)
    return worker
  }

  /** Two workers that hand over to each other. @param {string} kind @param {string} target */
  static pair(kind, target) {
    const both = [Worker.open(kind, target), Worker.open(kind, target)]
    return /** @type {Promise<[Worker, Worker]>} */ (Promise.all(both))
  }

  constructor() {
    this.process = spawnOwned(process.execPath, [program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.process.on('message', (message) => {
      const { id, answer, error } = /** @type {{ id: number, answer?: unknown, error?: string }} */ (message)
      const asked = this.#asked.get(id)
      this.#asked.delete(id)
      if (error === undefined) asked?.resolve(answer)
      else asked?.reject(new Error(error))
    })
    this.process.once('exit', () => {
      for (const { reject } of this.#asked.values()) reject(new Error('the process has ended'))
    })
  }

  /** @param {string} name @returns {Promise<number>} the instant at which it was held */
  acquire(name) {
    return this.#ask('acquire', name)
  }

  /** @param {string} name @returns {Promise<number>} the instant at which the release was called */
  release(name) {
    return this.#ask('release', name)
  }

  /** @param {string} name @param {number} ms @returns {Promise<number>} how often it took and released */
  loop(name, ms) {
    return this.#ask('loop', name, ms)
  }

  /** @returns {Promise<number>} what its process has used so far, in ms of a processor */
  cpu() {
    return this.#ask('cpu')
  }

  /** Ends it properly. */
  async close() {
    const ended = new Promise((resolve) => this.process.once('exit', resolve))
    await this.#ask('close')
    this.process.disconnect() // nothing else keeps it alive
    await ended
  }

  /** Ends it as a crash does. Returns the instant before. */
  kill() {
    const at = now()
    this.process.kill('SIGKILL')
    return at
  }

  /** @param {string} verb @param {unknown[]} args @returns {Promise<any>} */
  async #ask(verb, ...args) {
    if (this.process.exitCode !== null) throw new Error('the process has ended')
    this.#ids += 1
    const id = this.#ids
    const answered = new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }))
    this.process.send({ id, verb, args })
    return answered
  }
}

/**
 * Hands a lock back and forth between two processes. Each batch has one sample, in ms: from the call of release in one
 * process to the end of acquire in the other, which had called it `lineMs` before.
 *
 * @param {readonly [Side, Side]} workers
 * @param {string} name
 * @param {number} lineMs
 */
export function handOver(workers, name, lineMs) {
  let [holder, waiter] = workers
  let start = holder.acquire(name)
  return async () => {
    await start
    const acquired = waiter.acquire(name)
    await waiter.inLine?.()
    await sleep(lineMs)
    const [released, held] = await Promise.all([holder.release(name), acquired])
    ;[holder, waiter] = [waiter, holder]
    start = acquired
    return [held - released]
  }
}

/**
 * The cost of one waiter: ms of a processor for each second of waiting, from `afterMs` of the wait on.
 *
 * @param {readonly [Worker, Worker]} workers
 * @param {string} name
 * @param {number} seconds
 * @param {number} [afterMs]
 */
export async function costOfWaiting([holder, waiter], name, seconds, afterMs = 100) {
  await holder.acquire(name)
  const acquired = waiter.acquire(name)
  await sleep(afterMs)
  const before = await waiter.cpu()
  await sleep(1_000 * seconds)
  const used = (await waiter.cpu()) - before
  await holder.release(name)
  await acquired
  await waiter.release(name)
  return used / seconds
}

// @ts-check
// The program of a contending process: it executes the requests of its parent over IPC (workers.mjs) and answers with
// instants of the clock that all processes of the machine share.
import { contenders } from './contenders.mjs'
import { now } from './measure.mjs'

/** @typedef {import('./contenders.mjs').Contender} Contender */
/** @typedef {{ id: number, verb: keyof typeof verbs, args: any[] }} Request */

/** @type {Contender | undefined} */
let contender
/** @type {Map<string, () => Promise<unknown>>} */
const held = new Map()

const verbs = {
  /** @param {string} kind @param {string} target */
  async open(kind, target) {
    contender = await contenders[kind]?.(target)
  },

  /** Resolves with the instant at which the lock was held. @param {string} name */
  async acquire(name) {
    const release = await contender?.acquire(name)
    const at = now()
    if (release) held.set(name, release)
    return at
  },

  /** Resolves with the instant at which the release was called. @param {string} name */
  async release(name) {
    const at = now()
    await held.get(name)?.()
    held.delete(name)
    return at
  },

  /** Takes and releases again and again. Resolves with the number of cycles. @param {string} name @param {number} ms */
  async loop(name, ms) {
    const end = now() + ms
    let times = 0
    for (; now() < end; times += 1) {
      const release = await contender?.acquire(name)
      await release?.()
    }
    return times
  },

  /** The processor time that this process has used so far, in ms. */
  async cpu() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  },

  async close() {
    await contender?.close()
  },
}

process.on('message', async (/** @type {Request} */ { id, verb, args }) => {
  try {
    const run = /** @type {(...args: any[]) => Promise<unknown>} */ (verbs[verb])
    const answer = await run(...args)
    process.send?.({ id, answer })
  } catch (error) {
    process.send?.({ id, error: String(error instanceof Error ? error.stack : error) })
  }
})

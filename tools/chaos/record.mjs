// @ts-check
// The record of a run, and its oracles. It believes no worker's verdict: it compares the times at which each read that it
// held, on the one monotonic clock of the machine, and the registers are its own. Owns what counts as a violation.
import { now } from './random.mjs'

/**
 * @typedef {object} Held one hold, as its worker saw it
 * @property {number} pid
 * @property {string} name
 * @property {bigint} token
 * @property {number} began
 * @property {number} heldAt the last time at which it read that it holds
 * @property {number | undefined} lost when its signal aborted
 * @property {number | undefined} leaving when it was about to release
 * @property {boolean} over
 */
/** @typedef {{ set: string[], max: bigint, acknowledged: string[], refused: number, fenced: boolean }} Register */

/** How late a worker may say that it has lost, on a busy machine, in ms. The last time at which it held has no such grace. */
const tellMs = 2_000

const documented = new Set(['LEASEHOLD_UNAVAILABLE', 'LEASEHOLD_WAIT_TIMEOUT', 'LEASEHOLD_CLOSED'])

/** @type {Register} */
const noRegister = { set: [], max: 0n, acknowledged: [], refused: 0, fenced: false }

export class Record {
  /** @type {Held[]} */
  holds = []
  /** @type {Map<string, number>} how often each error met a worker */
  failures = new Map()
  /** @type {string[]} */
  violations = []
  /** @type {Map<string, number>} the latest time of progress by name */
  latest = new Map()
  /** Elements that the guarded set in the store has acknowledged. @type {string[]} */
  stored = []
  /** The largest part of the covered time after which a worker that was cut off still held, and reported its loss. */
  cut = { times: 0, held: 0, told: 0 }
  /** The time from each heal until each name had a new holder. @type {number[]} */
  progressMs = []
  /** @type {{ [name: string]: Register }} */
  registers = {
    unfenced: { set: [], max: 0n, acknowledged: [], refused: 0, fenced: false },
    fenced: { set: [], max: 0n, acknowledged: [], refused: 0, fenced: true },
  }
  /** @type {Map<string, Held>} */
  #open = new Map()

  /** Notes what a worker said. @param {number} pid @param {{ [key: string]: any }} said */
  note(pid, said) {
    const hold = this.#open.get(`${pid} ${said.hold}`)
    if (said.began !== undefined) this.#begin(pid, said)
    else if (said.failed) this.#fail(said)
    else if (said.stored) this.stored.push(said.stored)
    if (!hold) return
    hold.heldAt = Math.max(hold.heldAt, said.heldAt ?? 0)
    hold.lost ??= said.lost
    hold.leaving ??= said.leaving
    if (said.left === undefined) return
    hold.over = true
    this.#open.delete(`${pid} ${said.hold}`)
  }

  /** @param {number} pid @param {{ [key: string]: any }} said */
  #begin(pid, { hold: id, name, token, began }) {
    const hold = { pid, name, token: BigInt(token), began, heldAt: began, over: false }
    const whole = { ...hold, lost: undefined, leaving: undefined }
    this.holds.push(whole)
    this.#open.set(`${pid} ${id}`, whole)
    this.latest.set(name, began)
  }

  /** Only errors that `acquire` and `release` document may meet a caller. @param {{ [key: string]: any }} said */
  #fail({ failed, message }) {
    const isKnown = documented.has(failed)
    if (!isKnown) this.violations.push(`an undocumented error met a worker: ${failed}: ${message}`)
    this.failures.set(failed, (this.failures.get(failed) ?? 0) + 1)
  }

  /** The holds of a worker that are not over. @param {number} pid */
  openOf(pid) {
    return [...this.#open.values()].filter((hold) => hold.pid === pid)
  }

  /** A worker has ended, and with it what it believed. @param {number} pid */
  ended(pid) {
    for (const [key, hold] of this.#open) if (hold.pid === pid) this.#open.delete(key)
  }

  /**
   * A request to a register. A fenced one raises its fence at each read and write, and refuses a smaller token.
   * @param {{ verb: 'read' | 'write', register: string, token: string, set?: string[] }} request
   */
  ask({ verb, register: name, token, set = [] }) {
    const register = this.registers[name]
    if (!register) return { ok: false, set: [] }
    if (register.fenced && BigInt(token) < register.max) {
      register.refused += 1
      return { ok: false, set: [] }
    }
    if (BigInt(token) > register.max) register.max = BigInt(token)
    if (verb === 'read') return { ok: true, set: register.set }
    const element = set.at(-1)
    if (element !== undefined) register.acknowledged.push(element)
    register.set = set
    return { ok: true, set: [] }
  }

  /** The acknowledged elements that a register no longer has. @param {Register | undefined} register */
  lostOf({ set, acknowledged } = noRegister) {
    const left = new Set(set)
    return acknowledged.filter((element) => !left.has(element))
  }

  /** Judges a hold of a worker whose links were all cut at `at`. @param {Held} hold @param {number} at @param {number} coveredMs */
  judgeCut(hold, at, coveredMs) {
    this.cut.times += 1
    const heldMs = hold.heldAt - at
    this.cut.held = Math.max(this.cut.held, heldMs / coveredMs)
    if (heldMs > coveredMs)
      this.violations.push(
        `${tell(hold)} read that it held ${heldMs.toFixed(0)} ms after it was cut off, which covers ${coveredMs}`,
      )
    if (hold.lost === undefined) return
    const toldMs = hold.lost - at
    this.cut.told = Math.max(this.cut.told, toldMs / coveredMs)
    if (toldMs > coveredMs + tellMs)
      this.violations.push(`${tell(hold)} told its loss ${toldMs.toFixed(0)} ms after it was cut off`)
  }

  /** Adds what the whole record shows: two holders, and tokens that do not grow. @param {(name: string) => number} permitsOf */
  judge(permitsOf) {
    const names = [...new Set(this.holds.map(({ name }) => name))]
    for (const name of names) {
      const holds = this.holds
        .filter((hold) => hold.name === name)
        .sort((one, other) => one.began - other.began)
      this.violations.push(...overlaps(holds, permitsOf(name)), ...shrinking(holds, permitsOf(name)))
    }
    const lost = this.lostOf(this.registers.fenced)
    if (lost.length > 0) this.violations.push(`the fenced register lost ${lost.length} acknowledged updates`)
  }
}

/** The moments at which more held than there are permits. @param {readonly Held[]} holds by their begin @param {number} permits */
function overlaps(holds, permits) {
  /** @type {string[]} */
  const found = []
  /** @type {Held[]} */
  let inside = []
  for (const hold of holds) {
    inside = inside.filter(({ heldAt }) => heldAt > hold.began)
    if (inside.length >= permits) {
      const ms = Math.min(hold.heldAt, ...inside.map(({ heldAt }) => heldAt)) - hold.began
      const others = inside.map(tell).join(' and ')
      found.push(
        `TWO HOLD: ${tell(hold)} began while ${others} held, ${Math.max(0, ms).toFixed(1)} ms of both`,
      )
    }
    inside.push(hold)
  }
  return found
}

/** Tokens that are no larger than that of a hold before. @param {readonly Held[]} holds by their begin @param {number} permits */
function shrinking(holds, permits) {
  const seen = new Set()
  let largest = 0n
  return holds.flatMap((hold) => {
    const wrong = seen.has(hold.token) || (permits === 1 && hold.token <= largest)
    seen.add(hold.token)
    if (hold.token > largest) largest = hold.token
    return wrong ? [`TOKEN: ${tell(hold)} after ${largest}`] : []
  })
}

/** @param {Held} hold */
function tell({ pid, name, token, began, heldAt }) {
  return `${name} token ${token} of pid ${pid} (${began.toFixed(1)} to ${heldAt.toFixed(1)})`
}

/** The time since `at` in whole ms. @param {number} at */
export const sinceMs = (at) => Math.round(now() - at)

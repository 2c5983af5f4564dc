// @ts-check
// One run of chaos: starts a store and its workers, lets faults happen and heal, and judges the record. Owns the order
// of events, and the report.
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { Worker } from './crew.mjs'
import { faultsFor } from './faults.mjs'
import { Draw, now } from './random.mjs'
import { Record, sinceMs } from './record.mjs'
import { stages } from './stores.mjs'

export const workloads = ['lock', 'lock-set', 'permits', 'lock-store-set']

/**
 * @typedef {object} Plan
 * @property {string} store
 * @property {string | undefined} [line] the version line of etcd or Consul
 * @property {number} minutes
 * @property {number} seed
 * @property {readonly string[]} faults names and groups; empty for all
 * @property {readonly string[]} workloads empty for all
 * @property {string} index the built index.js
 * @property {(line: string) => void} log
 */
/** @typedef {{ lines: string[], violations: string[], record: Record }} Report */

const workerCount = 5
/** The time that a busy machine and the elections of a store may add to that of progress, in ms. */
const patienceMs = 40_000

/** Runs the plan. Resolves with its report; rejects if the store or its workers cannot be started. @param {Plan} plan @returns {Promise<Report>} */
export async function runChaos(plan) {
  const stage = await /** @type {import('./stores.mjs').Stage | Promise<import('./stores.mjs').Stage>} */ (
    stages[plan.store]?.({ line: plan.line, index: plan.index })
  )
  const run = new Run(plan, stage)
  try {
    await run.begin()
    await run.trouble()
    await run.end()
  } finally {
    await run.close()
  }
  return run.report()
}

class Run {
  #plan
  #stage
  #draw
  #record = new Record()
  /** @type {Worker[]} */
  #workers = []
  /** @type {Map<string, number>} */
  #befell = new Map()
  #names
  #begun = now()

  /** @param {Plan} plan @param {import('./stores.mjs').Stage} stage */
  constructor(plan, stage) {
    this.#plan = plan
    this.#stage = stage
    this.#draw = new Draw(plan.seed)
    const wanted = plan.workloads.length > 0 ? plan.workloads : workloads
    this.#names = wanted.filter((name) => name !== 'lock-store-set' || plan.store !== 'file')
  }

  /** Three workers have a time to live near the least, two the default. */
  async begin() {
    const { index, log } = this.#plan
    const { target, ttlsMs } = this.#stage
    for (let number = 0; number < workerCount; number += 1) {
      const ttlMs = ttlsMs[number < 3 ? 0 : 1]
      const place = { index, target, ttlMs, workloads: this.#names, record: this.#record, log }
      const worker = new Worker(place)
      await worker.open()
      worker.start(this.#draw.next() * 1e9)
      this.#workers.push(worker)
    }
    await Promise.all(this.#workers.map((worker) => worker.up()))
    log(
      `${this.#stage.title}, seed ${this.#plan.seed}: workers ${this.#workers.map(({ pid }) => pid).join(', ')}`,
    )
    await this.#progress('the start')
  }

  /** Round after round: one or two faults, their end, and progress. */
  async trouble() {
    const faults = faultsFor(this.#plan.store, this.#plan.faults)
    const end = now() + this.#plan.minutes * 60_000
    /** @type {string[]} */
    let bag = []
    const first = faults.has('stop-writer') ? ['stop-writer'] : []
    while (now() < end && this.#record.violations.length < 20) {
      // Each fault once, in a drawn order, before any comes again.
      if (bag.length === 0) bag = [...first.splice(0), ...this.#draw.shuffled([...faults.keys()])]
      const names = this.#draw.next() < 0.3 ? bag.splice(0, 2) : bag.splice(0, 1)
      const groupsOf = names.map((name) => faults.get(name)?.group)
      if (new Set(groupsOf).size < names.length) bag.unshift(.../** @type {string[]} */ (names.splice(1)))
      await this.#round(names.map((name) => ({ name, ...faults.get(name) })))
      await pause(this.#draw.between(200, 2_000))
    }
  }

  /** @param {{ name: string, run?: import('./faults.mjs').Fault }[]} faults */
  async #round(faults) {
    const scene = { stage: this.#stage, workers: this.#workers, draw: this.#draw, record: this.#record }
    /** @type {import('./faults.mjs').Begun[]} */
    const begun = []
    for (const { name, run } of faults) {
      try {
        const one = await run?.(scene)
        if (one) begun.push(one)
        this.#befell.set(name, (this.#befell.get(name) ?? 0) + 1)
      } catch (error) {
        this.#say(`${name} could not be done: ${error instanceof Error ? error.message : error}`)
      }
    }
    const what = begun.map((each) => each.what).join(' and ')
    this.#say(what)
    await Promise.all(begun.map(({ lasts }) => (typeof lasts === 'number' ? pause(lasts) : lasts)))
    // All at once: etcd answers no order about its alarm before its peers are together again.
    await Promise.all(begun.map(({ heal }) => this.#heal(heal)))
    await this.#healed()
    await this.#progress(what)
  }

  /** Ends a fault. A server may not answer at once after another fault, so this is tried ten times. @param {() => Promise<unknown>} heal */
  async #heal(heal) {
    for (let left = 9; ; left -= 1) {
      try {
        await heal()
        return
      } catch (error) {
        this.#say(`healing: ${error instanceof Error ? error.message : error}`)
        if (left === 0) return
        await pause(1_000)
      }
    }
  }

  /** Members that were killed must answer again. */
  async #healed() {
    for (const member of this.#stage.members)
      await member
        .healthy(90_000)
        .catch((error) => this.#record.violations.push(`server: ${error.message.slice(0, 400)}`))
  }

  /** Waits until each name has a new holder. @param {string} after */
  async #progress(after) {
    const healed = now()
    const limitMs = this.#stage.recoveryMs(this.#stage.ttlsMs[1]) + patienceMs
    const late = () => this.#names.filter((name) => (this.#record.latest.get(name) ?? 0) < healed)
    while (late().length > 0 && now() - healed < limitMs) await pause(20)
    const ms = sinceMs(healed)
    if (late().length > 0)
      this.#record.violations.push(`no progress on ${late()} within ${ms} ms of the end of ${after}`)
    this.#record.progressMs.push(ms)
    if (ms > 5_000) this.#say(`progress after ${ms} ms`)
  }

  /** All is well: every worker ends politely, and the store is empty when the sessions of the killed have ended. */
  async end() {
    this.#say('the end')
    for (const worker of this.#workers) worker.cont()
    await pause(2_000)
    const politely = await Promise.all(this.#workers.map((worker) => worker.end(30_000)))
    if (politely.includes(false)) this.#record.violations.push('a worker did not end within 30 s of SIGTERM')
    const limit = now() + this.#stage.recoveryMs(this.#stage.ttlsMs[1])
    let left = await this.#stage.left()
    while (left.length > 0 && now() < limit) {
      await pause(500)
      left = await this.#stage.left()
    }
    if (left.length > 0) {
      this.#say(
        `left by those who were killed: ${left.slice(0, 10).join(', ')}; a new client takes each name once`,
      )
      await this.#sweep()
      left = await this.#stage.left()
    }
    if (left.length > 0) this.#record.violations.push(`left in the store: ${left.slice(0, 10).join(', ')}`)
    const stored = new Set(await this.#stage.storedSet())
    const lost = this.#record.stored.filter((element) => !stored.has(element))
    if (lost.length > 0)
      this.#record.violations.push(`the guarded set in the store lost ${lost.length} acknowledged updates`)
    this.#record.judge((name) => (name === 'permits' ? 2 : 1))
    this.#judgeBite()
  }

  /** On Consul the place of a dead holder of a semaphore stays until another one needs it. All permits are taken at once. */
  async #sweep() {
    const { target, ttlsMs } = this.#stage
    const load = (/** @type {string} */ file) => import(new URL(file, pathToFileURL(this.#plan.index)).href)
    const { connect } = await load('index.js')
    const { [target.backend]: source } = await load(`backends/${target.backend}/index.js`)
    const client = await connect(source(target.options([...target.endpoints])), { ttlMs: ttlsMs[0] })
    const wait = { waitMs: this.#stage.recoveryMs(ttlsMs[1]) }
    const pool = client.semaphore('permits', { permits: 2 })
    const holds = [pool.acquire(wait), pool.acquire(wait)]
    for (const hold of await Promise.all(holds)) await hold.release()
    await client.close()
  }

  /** Without a loss on the unfenced register the faults were too weak to show anything. */
  #judgeBite() {
    const { unfenced } = this.#record.registers
    if (!this.#befell.has('stop-writer') || !unfenced || !this.#names.includes('lock-set')) return
    if (this.#record.lostOf(unfenced).length === 0)
      this.#record.violations.push(
        'the unfenced register lost nothing, so this run proves nothing: try another seed, or longer',
      )
  }

  async close() {
    await Promise.all(this.#workers.map((worker) => worker.kill()))
    for (const worker of this.#workers) worker.close()
    await this.#stage.close()
  }

  /** @param {string} what */
  #say(what) {
    this.#plan.log(`${((now() - this.#begun) / 1_000).toFixed(1).padStart(7)} s  ${what}`)
  }

  /** @returns {Report} */
  report() {
    const record = this.#record
    const holds = this.#names.map(
      (name) => `${name} ${record.holds.filter((hold) => hold.name === name).length}`,
    )
    const times = (/** @type {Map<string, number>} */ map) =>
      [...map].map(([name, count]) => `${name} ${count}`).join(', ')
    const registers = Object.entries(record.registers).map(
      ([name, register]) =>
        `${name}: ${register.acknowledged.length} acknowledged, ${record.lostOf(register).length} lost, ${register.refused} refused`,
    )
    const longest = Math.max(0, ...record.progressMs)
    const { cut } = record
    const lines = [
      `${this.#stage.title}, seed ${this.#plan.seed}, ${sinceMs(this.#begun) / 1_000} s`,
      `holds: ${record.holds.length} (${holds.join(', ')})`,
      `faults: ${times(this.#befell) || 'none'}`,
      `registers: ${registers.join('; ')}; guarded set in the store: ${record.stored.length} acknowledged`,
      `cut off while holding ${cut.times} times: held for at most ${percent(cut.held)} of the covered time, told after at most ${percent(cut.told)}`,
      `progress after each heal: ${record.progressMs.length} times, at most ${longest} ms`,
      `errors that workers met: ${times(record.failures) || 'none'}`,
      `violations: ${record.violations.length}`,
      ...record.violations.map((violation) => `  ${violation}`),
    ]
    return { lines, violations: record.violations, record }
  }
}

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(0)} %`

// @ts-check
// The workers of a run, each a process with links of its own to every server. Owns the processes; record.mjs has what
// they say.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { spawnOwned } from '../servers/children.mjs'
import { until } from '../servers/wait.mjs'
import { Link } from './link.mjs'

/** @typedef {import('./record.mjs').Record} ChaosRecord */
/** @typedef {{ endpoints: readonly string[], options: (endpoints: string[]) => object, backend: string }} Target */
/** @typedef {{ index: string, target: Target, ttlMs: number, workloads: readonly string[], record: ChaosRecord, log: (line: string) => void }} Place */

const script = fileURLToPath(new URL('worker.mjs', import.meta.url))

/** One worker. After a kill or a polite end, `start` begins another process in its place, over the same links. */
export class Worker {
  /** @type {Link[]} */
  links = []
  ttlMs
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child
  /** @type {Promise<unknown>} */
  #exited = Promise.resolve()
  #place
  #stderr = ''
  #isMeant = false
  /** Whether it has read the unfenced register and not yet written it. */
  hasRead = false
  isUp = false

  /** @param {Place} place */
  constructor(place) {
    this.#place = place
    this.ttlMs = place.ttlMs
  }

  get pid() {
    return this.#child?.pid ?? 0
  }

  /** Opens its links once. */
  async open() {
    for (const endpoint of this.#place.target.endpoints) this.links.push(await Link.open(endpoint))
  }

  /** @param {number} seed */
  start(seed) {
    const { index, target, ttlMs, workloads, record } = this.#place
    const endpoints = this.links.map(({ address }) => address)
    const plan = {
      index,
      backend: target.backend,
      options: target.options(endpoints),
      ttlMs,
      seed,
      workloads,
      endpoints,
    }
    const child = spawnOwned(process.execPath, [script, JSON.stringify(plan)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const pid = child.pid ?? 0
    this.#child = child
    this.#isMeant = false
    this.isUp = false
    this.hasRead = false
    child.stdin?.on('error', () => {})
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text) => (this.#stderr = `${this.#stderr}${text}`.slice(-2_000)))
    createInterface({ input: /** @type {import('node:stream').Readable} */ (child.stdout) }).on(
      'line',
      (line) => this.#hear(pid, JSON.parse(line)),
    )
    this.#exited = once(child, 'close').then(([code, signal]) => {
      record.ended(pid)
      if (!this.#isMeant)
        record.violations.push(`worker ${pid} ended with ${code ?? signal}: ${this.#stderr}`)
    })
  }

  /** @param {number} pid @param {Record<string, any>} said */
  #hear(pid, said) {
    const { record } = this.#place
    if (said.up !== undefined) this.isUp = true
    if (said.ask === undefined) return record.note(pid, said)
    if (said.register === 'unfenced') this.hasRead = said.verb === 'read'
    const request = /** @type {Parameters<ChaosRecord['ask']>[0]} */ (said)
    this.#child?.stdin?.write(`${JSON.stringify({ answer: said.ask, ...record.ask(request) })}\n`)
  }

  stop() {
    this.#child?.kill('SIGSTOP')
  }

  cont() {
    this.#child?.kill('SIGCONT')
  }

  /** Keeps its event loop busy. @param {number} ms */
  block(ms) {
    this.#child?.stdin?.write(`${JSON.stringify({ block: ms })}\n`)
  }

  async kill() {
    this.#isMeant = true
    this.#child?.kill('SIGKILL')
    await this.#exited
  }

  /** Asks it to end; resolves with whether it did in this time, and kills it if it did not. @param {number} withinMs */
  async end(withinMs) {
    this.#isMeant = true
    this.#child?.kill('SIGTERM')
    const late = new Promise((resolve) => setTimeout(resolve, withinMs, 'late').unref())
    const first = await Promise.race([this.#exited.then(() => 'ended'), late])
    await this.kill()
    return first === 'ended'
  }

  /** Resolves when it has connected. */
  up(deadlineMs = 60_000) {
    return until(async () => this.isUp, {
      deadlineMs,
      describe: () => `worker ${this.pid} up: ${this.#stderr}`,
    })
  }

  close() {
    for (const link of this.links) link.close()
  }
}

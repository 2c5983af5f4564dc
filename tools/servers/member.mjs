// @ts-check
// One server process: starting it, pausing it, killing it and bringing it back on the same ports and data. Its plan
// says which program it runs, and when it is healthy.

import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { spawnOwned } from './children.mjs'
import { cleanEnvironment } from './command.mjs'
import { until } from './wait.mjs'

/**
 * @typedef {object} MemberPlan
 * @property {string} name unique in this machine, so that a stranger's answer can be told apart
 * @property {string} file
 * @property {string[]} args
 * @property {string} endpoint where clients reach it
 * @property {string} logFile
 * @property {() => Promise<boolean>} isHealthy whether this very member answers and can write
 */
/** @typedef {'running' | 'stopped' | 'dead'} MemberState */

/** The error of a start whose port was taken by another process. */
export class PortTaken extends Error {}

/** One server process of a cluster. */
export class Member {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child
  /** @type {Promise<void>} */
  #exited = Promise.resolve()
  /** @type {MemberState} */
  #state = 'dead'
  #plan

  /** @param {MemberPlan} plan */
  constructor(plan) {
    this.#plan = plan
  }

  /** The server's name in its cluster. */
  get name() {
    return this.#plan.name
  }

  /** `127.0.0.1:port` for clients; stays the same over restarts. */
  get endpoint() {
    return this.#plan.endpoint
  }

  /** Process id of the latest start; 0 before the first. */
  get pid() {
    return this.#child?.pid ?? 0
  }

  /** The last action on it; also 'dead' if it ended by itself. */
  get state() {
    return this.#state
  }

  /** Starts the process, without waiting until it is healthy. Does nothing if it is alive. */
  start() {
    if (this.#state !== 'dead') return
    const { file, args, logFile } = this.#plan
    // A file and not a pipe, so that a slow reader of the log never blocks or ends the server.
    const log = openSync(logFile, 'a')
    const stdio = /** @type {const} */ (['ignore', log, log])
    const child = spawnOwned(file, args, { env: cleanEnvironment(), stdio: [...stdio] })
    closeSync(log)
    this.#child = child
    this.#state = 'running'
    this.#exited = new Promise((resolve) => {
      const end = () => {
        this.#state = 'dead'
        resolve()
      }
      child.once('exit', end).once('error', end)
    })
  }

  /** Freezes the process with SIGSTOP: connections stay open, and it answers nothing. */
  stop() {
    if (this.#state !== 'running') return
    this.#child?.kill('SIGSTOP')
    this.#state = 'stopped'
  }

  /** Lets a frozen process go on with SIGCONT. */
  cont() {
    if (this.#state !== 'stopped') return
    this.#child?.kill('SIGCONT')
    this.#state = 'running'
  }

  /** Kills the process with SIGKILL, frozen or not; resolves once it is gone. */
  async kill() {
    if (this.#state !== 'dead') this.#child?.kill('SIGKILL')
    await this.#exited
  }

  /**
   * Kills the process if it is alive and starts it again on the same ports and data. Resolves
   * when it is healthy, which needs a quorum: with too few members alive, pass
   * `{ healthy: false }`, or restart several at once.
   *
   * @param {{ healthy?: boolean }} [options]
   */
  async restart({ healthy = true } = {}) {
    await this.kill()
    this.start()
    if (healthy) await this.healthy()
  }

  /**
   * Resolves when the member is healthy. Rejects, with the end of its log, when its process ends
   * or the deadline passes.
   *
   * @param {number} [deadlineMs]
   */
  async healthy(deadlineMs = 20_000) {
    const describe = () => `${this.name} healthy at ${this.endpoint}`
    await until(async () => this.#isHealthy(), { deadlineMs, describe }).catch(async (error) => {
      if (error instanceof PortTaken) throw error
      throw new Error(`${error.message}\n${await this.log(30)}`, { cause: error })
    })
  }

  /**
   * The last lines of the process's output, over all its starts.
   *
   * @param {number} [lines] default: all of them
   */
  async log(lines = Number.POSITIVE_INFINITY) {
    const text = await readFile(this.#plan.logFile, 'utf8').catch(() => '')
    return text.trimEnd().split('\n').slice(-lines).join('\n')
  }

  async #isHealthy() {
    if (this.#state === 'dead') await this.#explainDeath()
    return this.#plan.isHealthy()
  }

  async #explainDeath() {
    const clash = /address already in use/.test(await this.log(40))
    if (clash) throw new PortTaken(`${this.name} found a port taken`)
    throw new Error(`${this.name} ended by itself`)
  }
}

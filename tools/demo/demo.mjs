// The demonstration of `npm start`. Owns the story; each worker is a separate process (worker.mjs).
// @ts-check
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/**
 * @typedef {{ name: string, what: 'holds' | 'releases', token: bigint, at: bigint }} Line
 * @typedef {{ name: string, child: import('node:child_process').ChildProcess }} Worker
 */

const holdMs = 300
const turnsBeforeKill = 5
const turnsAfterKill = 4

/** Runs the story in about four seconds and prints it. */
export async function demo() {
  const directory = await mkdtemp(join(tmpdir(), 'leasehold-demo-'))
  const story = new Story()
  print(`\nThree processes share one lock through the embedded store in a temporary folder.`)
  print(`Each holds it for ${holdMs} ms, then stands in line again.\n`)
  const workers = ['A', 'B', 'C'].map((name) => story.start(name, `file:${directory}`))
  await story.turns(turnsBeforeKill)
  await story.killHolder()
  await story.turns(turnsAfterKill)
  await Promise.all(workers.map(stop))
  await rm(directory, { recursive: true })
  story.conclude()
}

class Story {
  /** @type {Worker[]} */
  #workers = []
  /** @type {Line | undefined} */
  #last
  /** @type {Line[]} */
  #held = []
  /** @type {number[]} */
  #handOversMs = []
  #killedAt = 0n
  #takeOverMs = 0
  #began = process.hrtime.bigint()
  /** @type {() => void} */
  #wake = () => {}
  /** @type {(error: Error) => void} */
  #fail = () => {}

  /** @param {string} name @param {string} url @returns {Worker} */
  start(name, url) {
    const script = fileURLToPath(new URL('worker.mjs', import.meta.url))
    const child = spawn(process.execPath, [script, url, String(holdMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: /** @type {import('node:stream').Readable} */ (child.stdout) })
    lines.on('line', (text) => {
      const { what, token, at } = JSON.parse(text)
      this.#tell({ name, what, token: BigInt(token), at: BigInt(at) })
    })
    child.on('exit', (code) => {
      if (code) this.#fail(new Error(`worker ${name} exited with ${code}`))
    })
    const worker = { name, child }
    this.#workers.push(worker)
    return worker
  }

  /** Resolves when the lock was held this many more times. @param {number} count */
  async turns(count) {
    const until = this.#held.length + count
    while (this.#held.length < until) {
      await new Promise((resolve, reject) => {
        this.#wake = () => resolve(undefined)
        this.#fail = reject
      })
    }
  }

  /** Kills the worker that holds, so that it cannot release. */
  async killHolder() {
    const holder = this.#workers.find(({ name }) => name === this.#last?.name)
    if (!holder || !this.#last) throw new Error('nobody holds')
    this.#killedAt = process.hrtime.bigint()
    holder.child.kill('SIGKILL')
    print(
      `${this.#time(this.#killedAt)}  ${holder.name} is killed (SIGKILL) while it holds token ${this.#last.token}`,
    )
    await once(holder.child, 'exit')
  }

  conclude() {
    const tokens = this.#held.map(({ token }) => token)
    const grew = tokens.every(
      (token, index) => index === 0 || token > /** @type {bigint} */ (tokens[index - 1]),
    )
    const median = this.#handOversMs.sort((a, b) => a - b)[this.#handOversMs.length >> 1] ?? 0
    print(`\n${tokens.length} turns, tokens ${grew ? 'always grew' : 'DID NOT GROW'}: ${tokens.join(' < ')}`)
    print(
      `hand-over after a release: ${median.toFixed(1)} ms (median); after the kill: ${this.#takeOverMs.toFixed(1)} ms\n`,
    )
    if (!grew) process.exitCode = 1
  }

  /** @param {Line} line */
  #tell(line) {
    if (line.what === 'holds') {
      print(`${this.#time(line.at)}  ${line.name} holds, token ${line.token}${this.#how(line)}`)
      this.#held.push(line)
      this.#wake()
    }
    this.#last = line
  }

  /** How the lock came to this holder. @param {Line} line */
  #how(line) {
    if (!this.#last) return ''
    const killed = this.#last.what === 'holds'
    const ms = Number(line.at - (killed ? this.#killedAt : this.#last.at)) / 1e6
    if (killed) this.#takeOverMs = ms
    else this.#handOversMs.push(ms)
    return `, ${ms.toFixed(1)} ms after ${this.#last.name} ${killed ? 'was killed' : 'released'}`
  }

  /** @param {bigint} at */
  #time(at) {
    return `${(Number(at - this.#began) / 1e9).toFixed(3).padStart(7)} s`
  }
}

/** @param {Worker} worker */
async function stop({ child }) {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`)
}

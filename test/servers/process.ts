// A Leasehold client in a process of its own, steered line by line: what client.mjs reads and answers.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { spawnOwned } from '../../tools/servers/children.mjs'

const script = fileURLToPath(new URL('client.mjs', import.meta.url))

/** What the process said last, and what it says next. */
export class ClientProcess {
  readonly child: ChildProcess
  readonly exited: Promise<number>
  stderr = ''
  readonly #said: Record<string, unknown>[] = []
  readonly #listeners: ((said: Record<string, unknown>) => void)[] = []

  constructor(index: string, url: string, options: object = {}) {
    const args = [script, index, url, JSON.stringify(options)]
    this.child = spawnOwned(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.exited = once(this.child, 'close').then(([code, signal]) => code ?? signal)
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const said = JSON.parse(line)
      const listener = this.#listeners.shift()
      if (listener) listener(said)
      else this.#said.push(said)
    })
    onTestFinished(() => void this.child.kill('SIGKILL'))
  }

  /** Tells the process what to do. */
  say(...words: string[]): void {
    this.child.stdin?.write(`${JSON.stringify(words)}\n`)
  }

  /** Resolves with the next thing that it says. */
  async hear(): Promise<Record<string, unknown>> {
    const said = this.#said.shift()
    if (said) return said
    const heard = new Promise<Record<string, unknown>>((resolve) => this.#listeners.push(resolve))
    const ended = this.exited.then((code) => {
      throw new Error(`the client process ended with ${code}: ${this.stderr}`)
    })
    return Promise.race([heard, ended])
  }
}

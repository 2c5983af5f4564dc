// A Leasehold client in a separate process, controlled line by line: the parent of client.mjs.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { spawnOwned } from '../../tools/servers/children.mjs'

const script = fileURLToPath(new URL('client.mjs', import.meta.url))

/** The last line of the process, and the next one. */
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

  /** Sends a command to the process. */
  say(...words: string[]): void {
    this.child.stdin?.write(`${JSON.stringify(words)}\n`)
  }

  /** Resolves with its next line. */
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

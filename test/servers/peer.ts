// A peer of test/peers in a separate process, and the three kinds of peers. Owns the process, its requests and its
// answers.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { spawnOwned } from '../../tools/servers/children.mjs'
import { ensurePeers } from '../peers/build.mjs'

const node = fileURLToPath(new URL('../peers/node.mjs', import.meta.url))

/** The folder of the peers in Go, or the reason why they cannot be built. */
export const goPeers: { readonly dir: string } | { readonly reason: string } = await ensurePeers().then(
  (dir) => ({ dir }),
  (error: Error) => ({ reason: error.message }),
)

export type Side = 'Go' | 'Node'

/** An answer or an event of a peer. */
export interface Said {
  readonly id?: number
  readonly event?: string
  /** In ms, on the clock of `now`. */
  readonly at: number
  readonly error?: string
  readonly token?: string
  readonly created?: string
  readonly held?: boolean
  readonly owner?: boolean
  readonly value?: string
  readonly session?: string
  /** The answer to `turns`. */
  readonly turns?: number
  readonly longestMs?: number
}

/** The clock that all peers share, in ms. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6

export class Peer {
  readonly side: Side
  /** All events so far. */
  readonly events: Said[] = []
  /** Called with each event. */
  onEvent: (said: Said) => void = () => {}
  stderr = ''
  over = false
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #asked = new Map<number, (said: Said) => void>()
  #ids = 0

  private constructor(side: Side, file: string, args: readonly string[]) {
    this.side = side
    this.#child = spawnOwned(file, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#exited = once(this.#child, 'close').then(() => {
      this.over = true
      for (const answer of this.#asked.values())
        answer({ at: now(), error: `the peer ended: ${this.stderr}` })
    })
    this.#child.stdin?.on('error', () => {})
    this.#child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })
    lines.on('line', (line) => this.#hear(JSON.parse(line)))
    onTestFinished(() => this.kill())
  }

  /** A peer in Go; `address` is that of the server. */
  static go(kind: 'etcd' | 'consul', address: string): Peer {
    if (!('dir' in goPeers)) throw new Error(goPeers.reason)
    return new Peer('Go', join(goPeers.dir, kind), [address])
  }

  /** A peer on Leasehold; `index` is the built index.js. */
  static node(index: string, target: string, options: object): Peer {
    return new Peer('Node', process.execPath, [node, index, target, JSON.stringify(options)])
  }

  /** Resolves with the answer, even if it has an error, or reports the peer's end. */
  ask(verb: string, fields: object = {}): Promise<Said> {
    this.#ids += 1
    const id = this.#ids
    if (this.over) return Promise.resolve({ at: now(), error: `the peer has ended: ${this.stderr}` })
    return new Promise((resolve) => {
      this.#asked.set(id, resolve)
      this.#child.stdin?.write(`${JSON.stringify({ id, verb, ...fields })}\n`)
    })
  }

  /** As `ask`, but rejects if the answer has an error. */
  async do(verb: string, fields: object = {}): Promise<Said> {
    const answer = await this.ask(verb, fields)
    if (answer.error !== undefined) throw new Error(`${this.side}, ${verb}: ${answer.error}`)
    return answer
  }

  stop(): void {
    this.#child.kill('SIGSTOP')
  }

  cont(): void {
    this.#child.kill('SIGCONT')
  }

  /** Kills it, and resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  #hear(said: Said): void {
    if (said.id !== undefined) {
      this.#asked.get(said.id)?.(said)
      this.#asked.delete(said.id)
      return
    }
    this.events.push(said)
    this.onEvent(said)
  }
}

// Five processes that want to lead, each with `lead`, and faults of the leader. Owns the record of their terms, as
// they saw them on the clock that all processes of a machine share, and the invariants of these terms.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { spawnOwned } from '../../tools/servers/children.mjs'
import { until } from '../../tools/servers/wait.mjs'

const script = fileURLToPath(new URL('worker.mjs', import.meta.url))
const size = 5

/** The clock of worker.mjs. */
const now = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000

/** A fault of a leader: it is killed, stopped for longer than its time to live, or asked to end. */
export const troubles = ['kill', 'stop', 'ask'] as const
export type Trouble = (typeof troubles)[number]

/** How often each fault meets a leader. */
export function roundsOf(usual: number): number {
  return Number(process.env.LEASEHOLD_ROUNDS ?? usual)
}

/** The store in which the workers compete. */
export interface Place {
  /** The built index.js. */
  readonly index: string
  readonly target: string
  readonly ttlMs: number
}

/** One term, as its leader saw it. */
export interface Term {
  readonly pid: number | undefined
  readonly token: bigint
  readonly began: number
  /** The last time at which it read that it holds. */
  held: number
  ended: boolean
}

/** One process of worker.mjs, and its account of its terms. */
export class Worker {
  readonly child: ChildProcess
  readonly exited: Promise<number | string>
  readonly terms: Term[] = []
  readonly failures: string[] = []
  state: 'starts' | 'waits' | 'leads' = 'starts'
  stderr = ''
  over: number | string | undefined

  constructor({ index, target, ttlMs }: Place, priority?: number) {
    const args = [
      script,
      index,
      target,
      'work',
      String(ttlMs),
      ...(priority === undefined ? [] : [String(priority)]),
    ]
    this.child = spawnOwned(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.exited = once(this.child, 'close').then(([code, signal]) => {
      this.over = code ?? signal
      return code ?? signal
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })
    lines.on('line', (line) => this.#note(JSON.parse(line)))
    onTestFinished(() => void this.child.kill('SIGKILL'))
  }

  #note(said: Record<string, unknown>): void {
    if (said.waits !== undefined) this.state = 'waits'
    if (said.failed !== undefined) this.failures.push(`${said.failed}: ${said.message}`)
    if (said.began !== undefined) this.#begin(Number(said.began), BigInt(String(said.token)))
    const term = this.terms.at(-1)
    if (!term) return
    if (said.held) term.held = Number(said.began ?? said.read ?? said.ended)
    if (said.ended === undefined) return
    term.ended = true
    this.state = 'starts'
  }

  #begin(began: number, token: bigint): void {
    this.terms.push({ pid: this.child.pid, token, began, held: began, ended: false })
    this.state = 'leads'
  }
}

export class Workers {
  readonly #place: Place
  readonly #all: Worker[] = []
  #crew: Worker[] = []

  constructor(place: Place) {
    this.#place = place
    for (let i = 0; i < size; i += 1) this.#start()
  }

  /**
   * Makes this fault happen to the leader while all others wait in line. Resolves with the ms until the next one
   * leads.
   */
  async befall(trouble: Trouble): Promise<number> {
    const leader = await this.#settled()
    const began = now()
    leader.child.kill(({ kill: 'SIGKILL', stop: 'SIGSTOP', ask: 'SIGTERM' } as const)[trouble])
    const next = await this.#next(leader)
    if (trouble === 'stop') await this.#resumed(leader)
    else await this.#replaced(leader, trouble === 'kill' ? 'SIGKILL' : 0)
    return (next.terms.at(-1)?.began ?? Number.NaN) - began
  }

  /** As many times as asked, each fault in turn. Resolves with the sorted times, and prints them. */
  async befallEach(rounds: number, title: string): Promise<Record<Trouble, number[]>> {
    const took: Record<Trouble, number[]> = { kill: [], stop: [], ask: [] }
    for (let round = 0; round < rounds; round += 1) {
      for (const trouble of troubles) took[trouble].push(await this.befall(trouble))
    }
    for (const trouble of troubles) {
      const times = took[trouble].sort((one, other) => one - other)
      const [least, middle, most] = [times[0], times[times.length >> 1], times.at(-1)]
      const shown = [least, middle, most].map((ms = Number.NaN) => ms.toFixed(1)).join(' / ')
      console.log(`${title}, ${trouble}: ${times.length} times, least / median / most ${shown} ms`)
    }
    return took
  }

  /** Checks by the workers' own readings that nobody led while another one did, and that tokens grew. */
  expectOneAtATime(): void {
    const terms = this.#all.flatMap((worker) => worker.terms).sort((one, other) => one.began - other.began)
    for (const [index, { pid, token, began }] of terms.entries()) {
      const before = terms.slice(0, index)
      for (const earlier of before) {
        expect(earlier.held, `${earlier.pid} held when ${pid} began, ${index} terms in`).toBeLessThan(began)
        expect(earlier.token, `the token of ${earlier.pid} and then of ${pid}`).toBeLessThan(token)
      }
    }
  }

  get terms(): number {
    return this.#all.reduce((sum, { terms }) => sum + terms.length, 0)
  }

  #start(): void {
    const worker = new Worker(this.#place)
    this.#crew.push(worker)
    this.#all.push(worker)
  }

  /** The leader, as soon as all others wait. */
  async #settled(): Promise<Worker> {
    const states = (): string =>
      this.#crew
        .map(({ state }) => state)
        .sort()
        .join()
    const settled = async (): Promise<boolean> => {
      this.#complain()
      return states() === 'leads,waits,waits,waits,waits'
    }
    await this.#until(settled, () => `one who leads and four who wait: ${states()}`)
    return this.#crew.find(({ state }) => state === 'leads') as Worker
  }

  /** The worker that leads after this one. */
  #next(leader: Worker): Promise<Worker> {
    const others = this.#crew.filter((worker) => worker !== leader)
    const leads = async (): Promise<Worker | undefined> => others.find(({ state }) => state === 'leads')
    return this.#until(leads, () => 'the next leader')
  }

  /** It goes on, and sees that its term is over. Its readings meanwhile count like all others. */
  async #resumed(worker: Worker): Promise<void> {
    const term = worker.terms.at(-1) as Term
    const failures = worker.failures.length
    worker.child.kill('SIGCONT')
    await this.#until(
      async () => term.ended,
      () => 'the end of the term of who was stopped',
    )
    await this.#until(
      async () => worker.failures.length > failures,
      () => 'why it ended',
    )
    expect(worker.failures.at(-1)).toContain('LEASEHOLD_HOLD_LOST')
  }

  async #replaced(worker: Worker, code: number | string): Promise<void> {
    expect(await worker.exited, worker.stderr).toBe(code)
    this.#crew = this.#crew.filter((other) => other !== worker)
    this.#start()
  }

  /** Prints why a worker ended without being asked. */
  #complain(): void {
    const ended = this.#crew.find(({ over }) => over !== undefined)
    if (ended) throw new Error(`a worker ended with ${ended.over}: ${ended.stderr}`)
  }

  #until<T>(check: () => Promise<T | undefined | false>, describe: () => string): Promise<T> {
    return until(check, { describe, everyMs: 5, deadlineMs: 30_000 + 3 * this.#place.ttlMs })
  }
}

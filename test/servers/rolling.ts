// A rolling restart of five processes that want to lead, in the orders in which deployments replace them. Owns the count of
// hand-overs, and the longest time without a leader, as the workers saw them on the clock of the machine.
import type { Leasehold } from '../../src/index.ts'
import { until } from '../../tools/servers/wait.mjs'
import { type Place, type Term, Worker } from './workers.ts'

const size = 5

/** The order of one deployment. */
export type Way = 'new first' | 'old first' | 'old ones make room'
/** The ways that a run tries: all of them if it has rounds to spend. */
export const ways: readonly Way[] = process.env.LEASEHOLD_ROUNDS
  ? ['old first', 'old ones make room', 'new first']
  : ['old first', 'old ones make room']

/** The result of a rolling restart. */
export interface Restart {
  readonly handOvers: number
  readonly longestGapMs: number
  readonly terms: readonly Term[]
}

/** Replaces five workers one by one, and prints the costs. `client` looks on. */
export async function restart(place: Place, client: Leasehold, way: Way): Promise<Restart> {
  const crew = new Crew(place, client, way)
  await crew.replace()
  const { terms } = crew
  await crew.end()
  const gaps = terms.slice(1).map(({ began }, index) => began - (terms[index]?.held ?? Number.NaN))
  const result = { handOvers: terms.length - 1, longestGapMs: Math.max(0, ...gaps), terms }
  const costs = `${result.handOvers} hand-overs, ${result.longestGapMs.toFixed(1)} ms without a leader at most`
  console.log(`${client.facts.scheme}, rolling restart of ${size}, ${way}: ${costs}`)
  return result
}

class Crew {
  readonly #place: Place
  readonly #client: Leasehold
  readonly #way: Way
  readonly #all: Worker[] = []

  constructor(place: Place, client: Leasehold, way: Way) {
    this.#place = place
    this.#client = client
    this.#way = way
  }

  /** All terms so far, in order. */
  get terms(): Term[] {
    return this.#all.flatMap((each) => each.terms).sort((one, other) => one.began - other.began)
  }

  async replace(): Promise<void> {
    const old: Worker[] = []
    for (let i = 0; i < size; i += 1) old.push(await this.#start(1))
    if (this.#way === 'old ones make room') for (const { child } of old) child.kill('SIGUSR1')
    for (const worker of old) {
      if (this.#way !== 'old first') await this.#start(2)
      if (this.#way === 'old ones make room')
        await untilSo(() => this.#leader !== undefined && !old.includes(this.#leader))
      worker.child.kill('SIGTERM')
      await worker.exited
      await untilSo(() => this.#leader !== undefined)
      if (this.#way === 'old first') await this.#start(2)
    }
  }

  async end(): Promise<void> {
    for (const worker of this.#all.filter(({ over }) => over === undefined).reverse()) {
      worker.child.kill('SIGTERM')
      await worker.exited
    }
  }

  get #leader(): Worker | undefined {
    return this.#all.find(({ state, over }) => state === 'leads' && over === undefined)
  }

  /** Starts a worker, and waits until it stands where its priority puts it. */
  async #start(generation: number): Promise<Worker> {
    const hasPriority = this.#way !== 'old ones make room'
    const worker = new Worker(this.#place, hasPriority ? generation : undefined)
    this.#all.push(worker)
    await untilSo(() => worker.state !== 'starts')
    if (hasPriority) await untilSo(() => this.#isInOrder())
    return worker
  }

  async #isInOrder(): Promise<boolean> {
    const waiting = (await this.#client.election('work').candidates()).filter(({ leads }) => !leads)
    const priorities = waiting.map(({ priority = 0 }) => priority)
    const standing = this.#all.filter(({ over }) => over === undefined)
    return (
      waiting.length === standing.length - 1 &&
      priorities.every((each, at) => each <= (priorities[at - 1] ?? each))
    )
  }
}

function untilSo(check: () => boolean | Promise<boolean>): Promise<boolean> {
  return until(async () => check(), {
    describe: () => 'workers that stand in order',
    everyMs: 5,
    deadlineMs: 60_000,
  })
}

// Runs one plan in a simulated world, and says what was wrong. Owns how plans become events.

import type { BackendSource } from '../../src/backend.ts'
import { connect, type Leasehold } from '../../src/connect.ts'
import { fairWeather, Network } from '../../src/testing/network.ts'
import { SimProcess } from '../../src/testing/process.ts'
import { World } from '../../src/testing/world.ts'
import { Checker, type Truth } from './checker.ts'
import { type Job, type Plan, type Trouble, troubledMs } from './plan.ts'
import type { MakeStore, SimStore } from './stores.ts'

/** What a run showed. */
export interface Verdict {
  readonly violations: readonly string[]
  readonly digest: string
  readonly marks: ReadonlyMap<string, number>
  readonly story: string
}

interface Machine {
  readonly process: SimProcess
  readonly source: BackendSource
  client: Promise<Leasehold> | undefined
}

export async function runPlan(make: MakeStore, plan: Plan, { log = false } = {}): Promise<Verdict> {
  const run = new Run(make, plan, log)
  await run.play()
  return run.verdict()
}

class Run implements Truth {
  readonly #plan: Plan
  readonly #world: World
  readonly #network: Network
  readonly #store: SimStore
  readonly #machines: Machine[]
  readonly #checker: Checker
  readonly #pending = new Set<string>()

  constructor(make: MakeStore, plan: Plan, log: boolean) {
    this.#plan = plan
    this.#world = new World(plan.seed, { log })
    this.#network = new Network(this.#world)
    this.#store = make(this.#world, this.#network, () => this.#checker?.look())
    this.#checker = new Checker(this.#world, this, plan.permits)
    this.#machines = Array.from({ length: plan.processes }, (_, index) => this.#machine(index))
  }

  owners(name: string): string[] {
    return this.#store.owners(name, this.#plan.permits)
  }

  async play(): Promise<void> {
    const { jobs, troubles } = this.#plan
    for (const [index, job] of jobs.entries())
      this.#world.after(job.atMs, () => this.#start(job, `job ${index}`))
    for (const trouble of troubles) this.#world.after(trouble.atMs, () => this.#cause(trouble))
    await this.#world.run(troubledMs)
    this.#heal()
    await this.#world.run(
      troubledMs + 2 * this.#store.takeOverMs + 25_000 * jobs.length,
      () => this.#pending.size === 0,
    )
    for (const what of this.#pending) this.#checker.violations.push(`never ended: ${what}`)
    await this.#leaveNothing()
  }

  verdict(): Verdict {
    const { violations } = this.#checker
    return { violations, digest: this.#world.digest(), marks: this.#world.marks, story: this.#world.story() }
  }

  #machine(index: number): Machine {
    const rate = 1 + (this.#plan.drift[index] ?? 0) / 1_000
    const process = new SimProcess(this.#world, `p${index}`, { rate, wallOffsetMs: index * 7_000 })
    return { process, source: this.#store.source(process), client: undefined }
  }

  #at(index: number): Machine {
    return this.#machines[index % this.#machines.length] as Machine
  }

  #start(job: Job, label: string): void {
    const { process } = this.#at(job.process)
    if (process.alive) this.#pending.add(label)
    process.enter(() => {
      this.#work(job, label).then(
        () => this.#pending.delete(label),
        (error) => {
          this.#world.note(`${process.name} ${label}: ${error}`)
          this.#pending.delete(label)
        },
      )
    })
  }

  async #work(job: Job, label: string): Promise<void> {
    const machine = this.#at(job.process)
    const { process } = machine
    this.#world.note(`${process.name} ${label} begins`)
    const opening = (machine.client ??= connect(machine.source, { clock: process, ttlMs: this.#store.ttlMs }))
    const client = await opening.catch((error) => {
      if (machine.client === opening) machine.client = undefined
      throw error
    })
    const name = `n${job.name}`
    const lock =
      this.#plan.permits === 1 ? client.mutex(name) : client.semaphore(name, { permits: this.#plan.permits })
    const controller = new AbortController()
    if (job.abortMs !== undefined) process.after(job.abortMs, () => controller.abort('enough'))
    const { signal } = controller
    const waitMs = typeof job.patience === 'number' ? job.patience : undefined
    const hold =
      job.patience === 'try' ? await lock.tryAcquire({ signal }) : await lock.acquire({ waitMs, signal })
    if (!hold) return
    const grant = this.#checker.granted(process, hold)
    for (let left = job.workMs; left > 0 && hold.held; left -= 250) {
      await new Promise<void>((resolve) => process.after(Math.min(left, 250), resolve))
      this.#checker.look()
      if (job.checkpoint) await hold.checkpoint(String(left)).catch(() => {})
    }
    grant.released = true
    await hold.release()
  }

  #cause({ kind, process: index, ...trouble }: Trouble): void {
    const forMs = Math.min(trouble.forMs, troubledMs - trouble.atMs)
    const { process } = this.#at(index)
    const server = this.#store.host.name
    if (kind.startsWith('cut')) {
      if (kind !== 'cut back') this.#network.cut(process.name, server, 'there')
      if (kind !== 'cut there') this.#network.cut(process.name, server, 'back')
      this.#world.after(forMs, () => this.#network.heal())
    } else if (kind === 'freeze') process.freeze(forMs)
    else if (kind === 'suspend') process.suspend(forMs)
    else if (kind === 'kill') this.#kill(index)
    else if (kind === 'clock') process.setWallBy(forMs % 2 ? -forMs * 10 : forMs)
    else if (kind === 'storm') this.#storm(forMs)
    else if (kind === 'server pause') this.#store.host.pause(forMs)
    else if (kind === 'server crash') this.#store.restart(forMs)
    else if (kind === 'leader') this.#store.changeLeader(forMs)
    else if (kind === 'operator') this.#operate(forMs)
    else if (kind === 'close') this.#close(this.#at(index))
  }

  #storm(forMs: number): void {
    this.#network.weather = { delayMs: [0.1, 40], late: 5, lost: 3, twice: 5, reset: 3 }
    this.#store.misbehave(true)
    this.#world.after(forMs, () => {
      this.#network.weather = fairWeather
    })
  }

  #operate(choice: number): void {
    this.#store.operate(choice, ({ process, name }) =>
      this.#checker.robbed(
        (other, lock) => other.name === (process ?? other.name) && lock === (name ?? lock),
      ),
    )
  }

  /** The machine's program dies, and another begins in its place. */
  #kill(index: number): void {
    const at = index % this.#machines.length
    const old = this.#at(index)
    old.process.kill()
    for (const what of [...this.#pending]) if (this.#jobOf(what)?.process === at) this.#pending.delete(what)
    const process = new SimProcess(this.#world, `${old.process.name}'`)
    const source = this.#store.source(process)
    this.#machines[at] = { process, source, client: undefined }
  }

  #jobOf(label: string): { process: number } | undefined {
    const job = this.#plan.jobs[Number(label.slice(4))]
    return job && { process: job.process % this.#machines.length }
  }

  #close(machine: Machine): void {
    const { client, process } = machine
    machine.client = undefined
    if (client) process.enter(() => void client.then((open) => open.close()).catch(() => {}))
  }

  #heal(): void {
    this.#network.heal()
    this.#network.weather = fairWeather
    this.#store.misbehave(false)
    this.#world.note('healed')
  }

  async #leaveNothing(): Promise<void> {
    for (const machine of this.#machines) this.#close(machine)
    await this.#world.run(this.#world.nowMs + 2 * this.#store.takeOverMs)
    const { violations } = this.#checker
    const left = this.#store.leftovers()
    if (left.length > 0) violations.push(`left in the store: ${left.join(', ')}`)
    for (const { process } of this.#machines) {
      if (process.timers > 0) violations.push(`${process.name} has ${process.timers} timers left`)
    }
  }
}

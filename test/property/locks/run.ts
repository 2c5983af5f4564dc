// Runs one plan in a simulated world, and returns the violation. Owns how plans become events.

import type { Leasehold } from '../../../src/api/leasehold.ts'
import { ClosedError, UnavailableError, WaitTimeoutError } from '../../../src/base/errors.ts'
import { stopBeforeMostMs } from '../../../src/core/lifetime.ts'
import { fairWeather, Network, type Weather } from '../../../src/testing/network.ts'
import { SimProcess } from '../../../src/testing/process.ts'
import { World } from '../../../src/testing/world.ts'
import { Breaks } from '../breaks.ts'
import type { Invariant, Violation } from '../invariants.ts'
import type { MakeStore, SimStore } from '../stores.ts'
import { Checker, type Truth } from './checker.ts'
import { isHealthy, type Job, type Plan, type Trouble, troubledMs } from './plan.ts'
import { Register } from './register.ts'
import { Releases } from './releases.ts'
import { Turns } from './turns.ts'
import { type Machine, type Shop, work } from './worker.ts'

/** The result of a run. */
export interface Verdict {
  readonly violations: readonly Violation[]
  readonly digest: string
  readonly marks: ReadonlyMap<string, number>
  readonly story: string
}

const names = ['n0', 'n1']

export async function runPlan(make: MakeStore, plan: Plan, { log = false } = {}): Promise<Verdict> {
  const run = new Run(make, plan, log)
  const complain = (error: unknown): void => run.complain('no-stray-error', `unhandled rejection: ${error}`)
  process.on('unhandledRejection', complain)
  await run.play().catch((error) => run.complain('progress', `the run: ${error}`))
  // Node reports unhandled rejections before its next macrotask.
  await new Promise(setImmediate)
  process.off('unhandledRejection', complain)
  return run.verdict()
}

class Run implements Truth {
  readonly #plan: Plan
  readonly #world: World
  readonly #network: Network
  readonly #store: SimStore
  readonly #machines: Machine[]
  readonly #breaks: Breaks
  readonly #checker: Checker
  readonly #shop: Shop
  readonly #healthy: boolean
  readonly #fair: Weather
  readonly #pending = new Set<string>()

  constructor(make: MakeStore, plan: Plan, log: boolean) {
    this.#plan = plan
    this.#healthy = isHealthy(plan)
    this.#world = new World(plan.seed, { log })
    this.#network = new Network(this.#world)
    this.#fair = { ...fairWeather, delayMs: [0.1, plan.slowestMs ?? 1] }
    this.#network.weather = this.#fair
    this.#store = make(this.#world, this.#network, () => this.#checker?.look())
    const { permits } = plan
    const { ttlMs, lockDelayMs } = this.#store
    const leastMs = stopBeforeMostMs(ttlMs, { endsEarly: lockDelayMs > 0, lockDelayMs })
    this.#breaks = new Breaks(this.#world, this.#store, names, { permits })
    const expected = { permits, leastMs, healthy: this.#healthy, breaks: this.#breaks }
    this.#checker = new Checker(this.#world, this, expected)
    const complain = this.complain.bind(this)
    const turns = new Turns(this.#world, permits, this.#healthy ? complain : () => {})
    const register = new Register(complain)
    this.#shop = { permits, ttlMs, checker: this.#checker, turns, register, releases: new Releases() }
    this.#machines = Array.from({ length: plan.processes }, (_, index) => this.#machine(index))
  }

  complain(invariant: Invariant, what: string): void {
    this.#checker.violated(invariant, what)
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
    for (const what of this.#pending) this.complain('progress', `never ended: ${what}`)
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
    const machine = this.#at(job.process)
    const { process } = machine
    if (process.alive) this.#pending.add(label)
    const failed = (error: unknown): void => {
      this.#world.mark('call rejected')
      this.#world.note(`${process.name} ${label}: ${error}`)
      if (this.#healthy && !isExpected(error))
        this.complain('no-needless-loss', `${label} failed in a healthy run: ${error}`)
    }
    process.enter(() => {
      this.#world.note(`${process.name} ${label} begins`)
      const done = (): boolean => this.#pending.delete(label)
      work(this.#shop, machine, job).catch(failed).then(done)
    })
  }

  #cause({ kind, process: index, ...trouble }: Trouble): void {
    this.#world.mark(`fault: ${kind}`)
    const forMs = Math.min(trouble.forMs, troubledMs - trouble.atMs)
    const { process } = this.#at(index)
    const server = this.#store.host.name
    if (kind === 'fade') this.#fade(process, forMs)
    else if (kind.startsWith('cut')) {
      if (kind !== 'cut back') this.#network.cut(process.name, server, 'there')
      if (kind !== 'cut there') this.#network.cut(process.name, server, 'back')
      this.#world.after(forMs, () => this.#network.heal())
    } else if (kind === 'freeze') this.#stop(process, forMs)
    else if (kind === 'suspend') this.#stop(process, forMs, true)
    else if (kind === 'kill') this.#kill(index)
    else if (kind === 'clock') process.setWallBy(forMs % 2 ? -forMs * 10 : forMs)
    else if (kind === 'storm') this.#storm(forMs)
    else if (kind === 'server pause') this.#store.host.pause(forMs)
    else if (kind === 'server crash') this.#store.restart(forMs)
    else if (kind === 'leader') this.#store.changeLeader(forMs)
    else if (kind === 'operator') this.#breaks.operate(forMs % 2 === 1 ? 'end session' : 'delete key')
    else if (kind === 'break') this.#breaks.evict()
    else if (kind === 'orphan') this.#orphan(process, forMs)
    else if (kind === 'close') this.#close(this.#at(index))
  }

  /** Answers take longer and longer, and then none comes: the last known state is older than it seems. */
  #fade(process: SimProcess, forMs: number): void {
    this.#breaks.slow(2_500)
    this.#network.weather = { ...fairWeather, delayMs: [0.1, 900] }
    this.#world.after(2_500, () => {
      this.#network.weather = this.#fair
      this.#network.cut(process.name, this.#store.host.name, 'there')
      this.#world.after(forMs, () => this.#network.heal())
    })
  }

  /**
   * Its server or agent dies, so that it is cut off, or was the leader and does not know that it is none any more. The
   * store ends its sessions some time later, or at once.
   */
  #orphan(process: SimProcess, forMs: number): void {
    const misled = forMs % 3 === 0
    if (misled) this.#store.mislead(process.name, true)
    else this.#network.cut(process.name, this.#store.host.name, 'there')
    this.#world.after(forMs, () => this.#store.mislead(process.name, false))
    this.#world.after(forMs % 1_500, () => {
      this.#checker.orphaned(process.name, this.#world.nowMs + this.#store.lockDelayMs)
      this.#store.endEarly(process.name)
    })
    this.#world.after(forMs, () => this.#network.heal())
  }

  /**
   * After a sleep of the machine, timers that were set before go on: a timer that reports a loss has at most a TTL
   * left.
   */
  #stop(process: SimProcess, forMs: number, asleep = false): void {
    this.#checker.stopped(process, this.#world.nowMs + forMs + (asleep ? this.#store.ttlMs : 0))
    if (asleep) process.suspend(forMs)
    else process.freeze(forMs)
  }

  #storm(forMs: number): void {
    this.#breaks.slow(forMs)
    this.#network.weather = { delayMs: [0.1, 40], late: 5, lost: 3, twice: 5, reset: 3 }
    this.#store.misbehave(true)
    this.#world.after(forMs, () => {
      this.#network.weather = this.#fair
    })
  }

  /** Kills the machine's program, and starts another in its place. */
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
    const close = (open: Leasehold): Promise<void> => {
      const closed = open.close()
      this.#checker.closed(open)
      return closed
    }
    if (client) process.enter(() => void client.then(close, () => {}))
  }

  #heal(): void {
    this.#network.heal()
    this.#network.weather = this.#fair
    this.#store.misbehave(false)
    this.#world.note('healed')
  }

  async #leaveNothing(): Promise<void> {
    for (const machine of this.#machines) this.#close(machine)
    await this.#world.run(this.#world.nowMs + (this.#healthy ? 2_000 : 2 * this.#store.takeOverMs))
    this.#checker.finish()
    const { calls } = this.#shop.register
    // All clients that watch the key that fences a checkpoint see the checkpoint.
    const [requests, most] = [this.#store.requests(), 200 + (20 * this.#world.nowMs) / 1_000 + 4 * calls]
    if (requests > most) this.complain('few-requests', `${requests} requests in ${this.#world.nowMs} ms`)
    const left = this.#store.leftovers(this.#healthy)
    if (left.length > 0) this.complain('nothing-left', `left in the store: ${left.join(', ')}`)
    for (const { process } of this.#machines) {
      if (process.timers > 0)
        this.complain('nothing-left', `${process.name} has ${process.timers} timers left`)
    }
  }
}

/** Whether a call may fail like this without faults: it was aborted, waited for its limit, or its client was closed. */
export function isExpected(error: unknown): boolean {
  if (error === 'enough' || error instanceof WaitTimeoutError) return true
  if (error instanceof UnavailableError && error.message.includes('before the wait was over')) return true
  return error instanceof ClosedError
}

// Runs one plan of locks of every form in a simulated world. Owns how plans become calls and faults; judge.ts judges.
import type { Hold, ReleaseOptions } from '../../../src/api/hold.ts'
import type { Leasehold } from '../../../src/api/leasehold.ts'
import { cohortPermits, sharedPermits } from '../../../src/base/shapes.ts'
import { connect } from '../../../src/connect.ts'
import type { BackendSource } from '../../../src/contract.ts'
import { keptMostMs } from '../../../src/testing/conformance/timing.ts'
import { fairWeather, Network } from '../../../src/testing/network.ts'
import { SimProcess } from '../../../src/testing/process.ts'
import { World } from '../../../src/testing/world.ts'
import { isExpected, type Verdict } from '../locks/run.ts'
import { givenUpMs } from '../locks/worker.ts'
import type { MakeStore, SimStore } from '../stores.ts'
import { type Call, type Grant, Judge } from './judge.ts'
import {
  groups,
  handedMost,
  handedMs,
  type Job,
  permits,
  type ShapesPlan,
  type Trouble,
  troubledMs,
} from './plan.ts'

interface Machine {
  readonly process: SimProcess
  readonly source: BackendSource
  client: Promise<Leasehold> | undefined
}

/** A lock that a job got: what it took of each name, and the ways to give it back. */
interface Taken {
  readonly held: () => boolean
  readonly tokens: readonly bigint[]
  readonly signal: AbortSignal
  shrink?(lighter: (weight: number) => void): Promise<void>
  release(options?: ReleaseOptions): Promise<void>
}

export async function runShapesPlan(
  make: MakeStore,
  plan: ShapesPlan,
  { log = false } = {},
): Promise<Verdict> {
  const run = new Run(make, plan, log)
  const complain = (error: unknown): void => run.judge.complain('no-stray-error', `${error}`)
  process.on('unhandledRejection', complain)
  await run.play().catch((error) => run.judge.complain('progress', `the run: ${error}`))
  await new Promise(setImmediate) // Node reports unhandled rejections before its next macrotask
  process.off('unhandledRejection', complain)
  return run.verdict()
}

class Run {
  readonly judge: Judge
  readonly #plan: ShapesPlan
  readonly #world: World
  readonly #network: Network
  readonly #store: SimStore
  readonly #machines: Machine[]
  readonly #pending = new Map<string, SimProcess>()
  /** When every kept name is free at the latest. */
  #keptMs = 0
  /** The clients that were asked to close: their holds are released. */
  readonly #closed = new WeakSet<Leasehold>()

  constructor(make: MakeStore, plan: ShapesPlan, log: boolean) {
    this.#plan = plan
    this.#world = new World(plan.seed, { log })
    this.#network = new Network(this.#world)
    this.#store = make(this.#world, this.#network, () => this.judge?.look())
    const owners = (name: string, of: number): readonly string[] => this.#store.owners(name, of)
    this.judge = new Judge(this.#world, owners, plan.troubles.length === 0)
    this.#machines = plan.drift.map((drift, index) => this.#machine(`p${index}`, 1 + drift / 1_000))
  }

  verdict(): Verdict {
    const { violations } = this.judge
    return { violations, digest: this.#world.digest(), marks: this.#world.marks, story: this.#world.story() }
  }

  async play(): Promise<void> {
    const { jobs, troubles } = this.#plan
    for (const [index, job] of jobs.entries())
      this.#world.after(job.atMs, () => {
        const callers = job.form === 'handoff' ? job.size : 1
        for (let each = 0; each < callers; each += 1) this.#start(job, `job ${index}.${each}`)
      })
    for (const trouble of troubles) this.#world.after(trouble.atMs, () => this.#cause(trouble))
    await this.#world.run(troubledMs)
    this.#heal()
    const most = troubledMs + 3 * this.#store.takeOverMs + 25_000 * jobs.length
    await this.#world.run(most, () => this.#pending.size === 0)
    for (const [what] of this.#pending) this.judge.complain('progress', `never ended: ${what}`)
    for (const machine of this.#machines) this.#close(machine)
    await this.#world.run(Math.max(this.#keptMs, this.#world.nowMs + 2 * this.#store.takeOverMs) + 4_000)
    // On Consul the place of a permit that was kept stays on the list until the next claim, as that of a dead holder.
    const left = this.#store.leftovers(troubles.length === 0 && this.#keptMs === 0)
    if (left.length > 0) this.judge.complain('nothing-left', `left in the store: ${left.join(', ')}`)
    for (const { process } of this.#machines)
      if (process.timers > 0)
        this.judge.complain('nothing-left', `${process.name} has ${process.timers} timers left`)
  }

  #machine(name: string, rate: number): Machine {
    const process = new SimProcess(this.#world, name, { rate, wallOffsetMs: 0 })
    return { process, source: this.#store.source(process), client: undefined }
  }

  #at(index: number): Machine {
    return this.#machines[index % this.#machines.length] as Machine
  }

  #start(job: Job, label: string): void {
    const machine = this.#at(job.process)
    const { process } = machine
    if (process.alive) this.#pending.set(label, process)
    process.enter(() => {
      this.#world.note(`${process.name} ${label} begins: ${job.form} ${job.size}`)
      const failed = (error: unknown): void => {
        this.#world.mark('call rejected')
        this.#world.note(`${process.name} ${label}: ${error}`)
        if (this.#plan.troubles.length === 0 && !isExpected(error))
          this.judge.complain('no-needless-loss', `${label} failed in a healthy run: ${error}`)
      }
      this.#work(machine, job)
        .catch(failed)
        .then(() => this.#pending.delete(label))
    })
  }

  async #work(machine: Machine, job: Job): Promise<void> {
    const { process } = machine
    const client = await this.#opened(machine)
    const calls = this.judge.begin(process.name, sizesOf(job))
    try {
      const taken = await this.#take(client, job, process)
      const believes = (): boolean => process.running && taken.held()
      const { tokens, signal } = taken
      const grant = this.judge.granted(calls, { tokens, signal, believes })
      await this.#protected(process, job, taken, calls[0] as Call)
      await this.#release(client, job, taken, grant)
    } finally {
      this.judge.end(calls)
    }
  }

  /** Takes the locks of a job. A call whose time is over must end soon. */
  async #take(client: Leasehold, job: Job, process: SimProcess): Promise<Taken> {
    const { waitMs } = job
    const late = (): void => this.judge.complain('prompt-giving-up', `${process.name} gave up in vain`)
    let cancel = (): void => {}
    const after = (ms: number, run: () => void): void => {
      cancel = process.after(ms, run)
    }
    // In steps: the first action of a process after a stop is to give up, and it may stop between two steps.
    if (waitMs !== undefined) after(waitMs, () => after(givenUpMs, () => after(givenUpMs, late)))
    try {
      return await take(client, job)
    } finally {
      cancel()
    }
  }

  async #protected(process: SimProcess, job: Job, taken: Taken, call: Call): Promise<void> {
    await this.#pause(process, job.workMs / 2)
    const lighter = (weight: number): void => this.judge.lighter(call, weight)
    if (job.shrinks && taken.held()) await taken.shrink?.(lighter).catch(() => {})
    await this.#pause(process, job.workMs / 2)
  }

  async #release(client: Leasehold, job: Job, taken: Taken, grant: Grant): Promise<void> {
    if (this.#closed.has(client)) grant.released = true
    else this.judge.releases(grant)
    const released = job.keepMs === undefined ? taken.release() : this.#keep(client, taken, grant, job.keepMs)
    if (taken.held())
      this.judge.complain('true-belief', `${grant.process} released and still reads that it holds`)
    await released
  }

  /** Lets the names stay taken. The store cannot begin to count before it is asked, nor after it has answered. */
  async #keep(client: Leasehold, taken: Taken, grant: Grant, keepMs: number): Promise<void> {
    const afterMs = Math.max(keepMs, client.facts.keepMs?.min ?? 0)
    const sinceMs = this.#world.nowMs
    await taken.release({ afterMs })
    const mostMs = this.#world.nowMs + keptMostMs(afterMs, client.facts)
    this.judge.kept(grant, sinceMs + afterMs, mostMs)
    this.#keptMs = Math.max(this.#keptMs, mostMs)
  }

  async #pause(process: SimProcess, ms: number): Promise<void> {
    await new Promise<void>((resolve) => process.after(ms, resolve))
    this.judge.look()
  }

  async #opened(machine: Machine): Promise<Leasehold> {
    const { process, source } = machine
    machine.client ??= connect(source, { clock: process, ttlMs: this.#store.ttlMs })
    const opening = machine.client
    return opening.catch((error) => {
      if (machine.client === opening) machine.client = undefined
      throw error
    })
  }

  #cause({ kind, process: index, forMs }: Trouble): void {
    this.#world.mark(`fault: ${kind}`)
    const { process } = this.#at(index)
    const server = this.#store.host.name
    if (kind.startsWith('cut')) {
      if (kind !== 'cut back') this.#network.cut(process.name, server, 'there')
      if (kind !== 'cut there') this.#network.cut(process.name, server, 'back')
      this.#world.after(forMs, () => this.#network.heal())
    } else if (kind === 'freeze') process.freeze(forMs)
    else if (kind === 'suspend') process.suspend(forMs)
    else if (kind === 'kill') this.#kill(index)
    else if (kind === 'server pause') this.#store.host.pause(forMs)
    else if (kind === 'server crash') this.#store.restart(forMs)
    else if (kind === 'leader') this.#store.changeLeader(forMs)
    else if (kind === 'orphan') this.#orphan(process.name, forMs)
    else if (kind === 'close') this.#close(this.#at(index))
    else {
      this.#network.weather = { delayMs: [0.1, 40], late: 5, lost: 3, twice: 5, reset: 3 }
      this.#store.misbehave(true)
      this.#world.after(forMs, () => this.#heal())
    }
  }

  /**
   * Its server dies, so that it is cut off, or was the leader and does not know that it is none any more. A store that may
   * do so ends its sessions some time later, or at once.
   */
  #orphan(process: string, forMs: number): void {
    const misled = forMs % 3 === 0
    if (misled) this.#store.mislead(process, true)
    else this.#network.cut(process, this.#store.host.name, 'there')
    this.#world.after(forMs % 1_500, () => {
      this.judge.orphaned(process, this.#world.nowMs + this.#store.lockDelayMs)
      this.#store.endEarly(process)
    })
    this.#world.after(forMs, () => {
      this.#store.mislead(process, false)
      this.#network.heal()
    })
  }

  /** Kills a program, and starts another in its place. */
  #kill(index: number): void {
    const { process } = this.#at(index)
    process.kill()
    this.judge.died(process.name)
    for (const [what, by] of [...this.#pending]) if (by === process) this.#pending.delete(what)
    this.#machines[index % this.#machines.length] = this.#machine(`${process.name}'`, 1)
  }

  #close(machine: Machine): void {
    const { client, process } = machine
    machine.client = undefined
    const close = (open: Leasehold): Promise<void> => {
      this.#closed.add(open)
      return open.close()
    }
    if (client) process.enter(() => void client.then(close).catch(() => {}))
  }

  #heal(): void {
    this.#network.heal()
    this.#network.weather = fairWeather
    this.#store.misbehave(false)
  }
}

/** The names of a job, each with its permits and how many of them the job takes. */
function sizesOf({ form, size }: Job): [name: string, permits: number, weight: number][] {
  if (form === 'permits') return [['n0', permits, size]]
  if (form === 'handoff') return [['n5', cohortPermits, cohortPermits]]
  if (form === 'group') return namesOf(size).map((name) => [name, 1, 1])
  return [['n1', sharedPermits, form === 'read' ? 1 : sharedPermits]]
}

function namesOf(size: number): string[] {
  return [...(groups[size - 1] ?? groups[0])].sort()
}

async function take(client: Leasehold, { form, size, waitMs }: Job): Promise<Taken> {
  if (form === 'group') {
    const all = await client.mutexes(groups[size - 1] ?? groups[0]).acquire({ waitMs })
    const { tokens, signal } = all
    return { held: () => all.held, tokens: [...tokens.values()], signal, release: (how) => all.release(how) }
  }
  if (form === 'permits') {
    const hold = await client.semaphore('n0', { permits }).acquire({ permits: size, waitMs })
    return {
      ...only(hold),
      async shrink(lighter) {
        if (hold.permits < 2) return
        const shrunk = hold.shrink(1)
        lighter(hold.permits)
        await shrunk
      },
    }
  }
  if (form === 'handoff') {
    const lock = client.mutex('n5', { handoff: { max: handedMost, forMs: handedMs } })
    return only(await lock.acquire({ waitMs }))
  }
  const { read, write } = client.rwlock('n1')
  if (form === 'read') return only(await read.acquire({ waitMs }))
  const hold = await write.acquire({ waitMs })
  return {
    ...only(hold),
    async shrink(lighter) {
      const downgraded = hold.downgrade()
      lighter(1)
      await downgraded
    },
  }
}

function only(hold: Hold): Taken {
  const { token, signal } = hold
  return { held: () => hold.held, tokens: [token], signal, release: (how) => hold.release(how) }
}

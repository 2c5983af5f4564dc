// Runs one plan of an election in a simulated world: candidates with `lead`, each of which also observes. Owns how
// plans become events, and the expectations after the faults.

import type { Election, LeadOptions } from '../../../src/api/election.ts'
import type { Leasehold } from '../../../src/api/leasehold.ts'
import type { LedTerm } from '../../../src/api/term.ts'
import { UnavailableError } from '../../../src/base/errors.ts'
import { connect } from '../../../src/connect.ts'
import { coveredMs, marginMs, stopBeforeDefaultMs, stopBeforeMostMs } from '../../../src/core/lifetime.ts'
import { fairWeather, Network } from '../../../src/testing/network.ts'
import { SimProcess } from '../../../src/testing/process.ts'
import { World } from '../../../src/testing/world.ts'
import { Breaks } from '../breaks.ts'
import type { Verdict } from '../locks/run.ts'
import type { MakeStore, SimStore } from '../stores.ts'
import { Judge, type Tenure } from './judge.ts'
import { type ElectionPlan, graceMs, isOrderly, oneWorks, type Trouble, troubledMs } from './plan.ts'

const name = 'n0'

export async function runElectionPlan(
  make: MakeStore,
  plan: ElectionPlan,
  { log = false }: { readonly log?: boolean } = {},
): Promise<Verdict> {
  const run = new ElectionRun(make, plan, log)
  const complain = (error: unknown): void =>
    run.judge.complain('no-stray-error', `unhandled rejection: ${error}`)
  process.on('unhandledRejection', complain)
  await run.play().catch((error) => run.judge.complain('progress', `the run: ${error}`))
  await new Promise(setImmediate)
  process.off('unhandledRejection', complain)
  return run.verdict()
}

/** One machine with a candidate. */
interface Host {
  readonly index: number
  process: SimProcess
  stop: AbortController
  client: Leasehold | undefined
  tenure: Tenure | undefined
  /** The last sight of its observer, a value and a term: undefined if nobody leads, null before the first one. */
  seen: string | undefined | null
  election: Election | undefined
  isDraining: boolean
  /** Since when it is not eligible; undefined if it is. */
  unfitSinceMs: number | undefined
  fail: (error: Error) => void
}

/** A candidate as it begins. */
const untroubled = { election: undefined, isDraining: false, unfitSinceMs: undefined }

class ElectionRun {
  readonly judge: Judge
  readonly #plan: ElectionPlan
  readonly #world: World
  readonly #network: Network
  readonly #store: SimStore
  readonly #breaks: Breaks
  readonly #hosts: Host[]
  readonly #stopBeforeMs: number
  /** The most time of work that ends in time: until its deadline, and half of the margin, as its last write may take. */
  readonly #inTimeMs: number
  #births = 0
  #values = 0
  /** True once nobody proclaims any more, so that all can be compared. */
  #quiet = false

  constructor(make: MakeStore, plan: ElectionPlan, log: boolean) {
    this.#plan = plan
    this.#world = new World(plan.seed, { log })
    this.#network = new Network(this.#world)
    this.#store = scaled(
      make(this.#world, this.#network, () => this.judge?.look()),
      plan.ttlScale,
    )
    const { ttlMs, lockDelayMs } = this.#store
    const facts = { endsEarly: lockDelayMs > 0, lockDelayMs }
    this.#stopBeforeMs =
      plan.stopBefore === undefined
        ? stopBeforeDefaultMs(ttlMs, facts)
        : plan.stopBefore * stopBeforeMostMs(ttlMs, facts)
    this.#inTimeMs = this.#stopBeforeMs + marginMs(coveredMs(ttlMs, facts)) / 2
    this.#breaks = new Breaks(this.#world, this.#store, [name])
    const rules = { oneWorks: oneWorks(plan), leastMs: stopBeforeMostMs(ttlMs, facts), lockDelayMs }
    const line = { owners: () => this.#store.owners(name, 1), standing: () => this.#store.standing(name) }
    this.judge = new Judge(this.#world, line, this.#breaks, rules)
    this.#hosts = Array.from({ length: plan.candidates }, (_, index) => this.#host(index))
  }

  verdict(): Verdict {
    const { violations } = this.judge
    return { violations, digest: this.#world.digest(), marks: this.#world.marks, story: this.#world.story() }
  }

  async play(): Promise<void> {
    for (const host of this.#hosts) this.#start(host)
    for (const trouble of this.#plan.troubles) this.#world.after(trouble.atMs, () => this.#cause(trouble))
    await this.#world.run(troubledMs)
    this.#network.heal()
    this.#network.weather = fairWeather
    this.#store.misbehave(false)
    this.#world.note('healed')
    await this.#world.run(troubledMs + 3 * this.#store.takeOverMs + 30_000)
    this.#quiet = true
    // Less than a time to live, after which observers ask by themselves.
    await this.#world.run(this.#world.nowMs + 2_500)
    this.#allWell()
    await this.#end()
  }

  #host(index: number): Host {
    const fail = (): void => {}
    const rest = { stop: new AbortController(), client: undefined, tenure: undefined, seen: null, fail }
    return { index, process: this.#boot(index), ...rest, ...untroubled }
  }

  #boot(index: number): SimProcess {
    this.#births += 1
    return new SimProcess(this.#world, `c${index}.${this.#births}`, { rate: 1, wallOffsetMs: index * 7_000 })
  }

  #start(host: Host): void {
    host.stop = new AbortController()
    const { process, stop } = host
    const failed = (error: unknown): void => this.#world.note(`${process.name}: ${error}`)
    process.enter(() => void this.#stand(host, stop.signal).catch(failed))
  }

  async #stand(host: Host, signal: AbortSignal): Promise<void> {
    const { process } = host
    const client = await this.#connected(process)
    if (signal.aborted) return client.close() // it was asked to leave before it had arrived
    host.client = client
    const election = client.election(name)
    host.election = election
    if (host.isDraining) election.drain()
    this.#observe(host, election).catch((error) =>
      this.#world.note(`${process.name} observes no more: ${error}`),
    )
    const onError = (error: unknown): void => this.#world.note(`${process.name}: ${error}`)
    const options: LeadOptions = {
      ...{ signal, onError, value: `first of ${process.name}` },
      graceMs: this.#plan.inTime ? Math.max(graceMs, this.#inTimeMs + 1_000) : graceMs,
      ...(this.#plan.stopBefore !== undefined && { stopBeforeMs: this.#stopBeforeMs }),
    }
    const priority = this.#plan.priorities?.[host.index] ?? undefined
    await election.lead((term) => this.#work(host, term), {
      ...{ ...options, priority, eligible: () => host.unfitSinceMs === undefined },
      onWait: () => this.judge.stands(process, priority),
    })
    this.judge.leaves(process)
    this.#world.note(`${process.name} leads no more`)
  }

  /** Begins again if the store did not answer the first question. */
  async #observe(host: Host, election: Election): Promise<void> {
    const { process } = host
    const onError = (error: unknown): void => this.#world.note(`${process.name} observes: ${error}`)
    try {
      for await (const leader of election.observe({ onError })) {
        host.seen = leader && `${leader.value} of term ${leader.token}`
        this.judge.observed(process.name, leader)
      }
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error
      await this.#observe(host, election)
    }
  }

  async #connected(process: SimProcess): Promise<Leasehold> {
    for (;;) {
      const options = { clock: process, ttlMs: this.#store.ttlMs }
      const client = await connect(this.#store.source(process), options).catch(() => undefined)
      if (client) return client
      await new Promise<void>((resolve) => process.after(1_000, resolve))
    }
  }

  async #work(host: Host, term: LedTerm): Promise<void> {
    const { process } = host
    if (isOrderly(this.#plan)) this.judge.inTurn(process, this.#plan.priorities?.[host.index] ?? undefined)
    this.judge.leaves(process)
    if (this.#world.nowMs - (host.unfitSinceMs ?? Infinity) > 10_000)
      this.judge.complain('fit-to-lead', `${process.name} leads, and is not eligible`)
    const tenure = this.judge.begins(process, term)
    host.tenure = tenure
    const failed = new Promise<never>((_, reject) => (host.fail = reject))
    failed.catch(() => {})
    try {
      await Promise.race([failed, this.#reign(process, term)])
      const lingerMs = this.#lingerMs(host)
      await new Promise<void>((resolve) => process.after(lingerMs, resolve))
    } finally {
      this.judge.ends(tenure)
      if (host.tenure === tenure) host.tenure = undefined
    }
  }

  #lingerMs({ index }: Host): number {
    const { lingerMs, inTime } = this.#plan
    const ms = lingerMs[index] ?? 0
    return inTime ? Math.min(ms, this.#inTimeMs) : ms
  }

  /** Proclaims now and then, until it has to stop. */
  async #reign(process: SimProcess, term: LedTerm): Promise<void> {
    const over = new Promise((resolve) => term.signal.addEventListener('abort', resolve, { once: true }))
    while (!term.signal.aborted) {
      // Twice at nearly the same time: an observer that reads after the first value begins its watch while the second
      // one comes.
      for (const ms of [0, 6 * process.random()]) {
        await new Promise<void>((resolve) => process.after(ms, resolve))
        // A store that does not answer keeps the work from nothing.
        if (!this.#quiet) await Promise.race([over, this.#proclaim(process, term)])
      }
      await Promise.race([over, new Promise<void>((resolve) => process.after(4_000, resolve))])
    }
  }

  async #proclaim(process: SimProcess, term: LedTerm): Promise<void> {
    this.#values += 1
    const value = `value ${this.#values}`
    this.judge.says(term.token, value)
    await term.proclaim(value).catch((error) => this.#world.note(`${process.name}: ${error}`))
    this.judge.look()
  }

  #cause({ kind, host: index, forMs }: Trouble): void {
    const host = this.#hosts[index % this.#hosts.length] as Host
    const leader = this.#hosts.find(({ tenure }) => tenure?.term.held) ?? host
    const server = this.#store.host.name
    this.#world.mark(`fault: ${kind}`)
    const causes: Record<Trouble['kind'], () => void> = {
      kill: () => this.#kill(leader, forMs),
      cut: () => this.#cut(leader, forMs),
      freeze: () => leader.process.freeze(forMs),
      stop: () => this.#leave(leader, forMs, () => leader.stop.abort()),
      close: () => this.#leave(leader, forMs, () => void leader.client?.close()),
      'step down': () => leader.process.enter(() => leader.tenure?.term.stepDown({ awayMs: forMs % 5_000 })),
      'hand over': () => leader.process.enter(() => void this.#handOver(leader, forMs)),
      drain: () => this.#drain(leader),
      unfit: () => this.#unfit(host, forMs),
      fail: () => leader.process.enter(() => leader.fail(new Error('the work failed'))),
      'end session': () => this.#breaks.operate('end session'),
      'delete key': () => this.#breaks.operate('delete key'),
      break: () => this.#breaks.evict(),
      'server pause': () => this.#store.host.pause(Math.min(forMs, 10_000)),
      'server crash': () => this.#store.restart(Math.min(forMs, 10_000)),
      storm: () => this.#storm(Math.min(forMs, 10_000)),
    }
    this.#world.note(`${kind} ${leader.process.name} ${server} ${forMs}`)
    causes[kind]()
  }

  /** Names one of those that wait. */
  async #handOver({ process, election, tenure }: Host, number: number): Promise<void> {
    try {
      const candidates = (await election?.candidates()) ?? []
      const waiting = candidates.filter(({ leads }) => !leads)
      const next = waiting[number % waiting.length]
      if (!next || !tenure) return
      await tenure.term.handOver(next.session)
      this.judge.namedNext(this.#store.processOf(next.session))
    } catch (error) {
      this.#world.note(`${process.name} hands over to nobody: ${error}`)
    }
  }

  #drain(host: Host): void {
    host.isDraining = true
    host.process.enter(() => host.election?.drain())
  }

  #unfit(host: Host, forMs: number): void {
    host.unfitSinceMs ??= this.#world.nowMs
    this.#world.after(forMs, () => {
      host.unfitSinceMs = undefined
    })
  }

  #cut({ process }: Host, forMs: number): void {
    const { name: server } = this.#store.host
    if (forMs % 3 !== 0) this.#network.cut(process.name, server, 'there')
    if (forMs % 3 !== 1) this.#network.cut(process.name, server, 'back')
    this.#world.after(forMs, () => this.#network.heal())
  }

  #storm(forMs: number): void {
    this.#breaks.slow(forMs)
    this.#network.weather = { delayMs: [0.1, 40], late: 5, lost: 3, twice: 0, reset: 3 }
    this.#store.misbehave(true)
    this.#world.after(forMs, () => {
      this.#network.weather = fairWeather
    })
  }

  #kill(host: Host, forMs: number): void {
    host.process.kill()
    this.#reborn(host, forMs)
  }

  /** Leaves properly, as in a deployment, and comes back later. */
  #leave(host: Host, forMs: number, ask: () => void): void {
    const { process } = host
    process.enter(ask)
    this.#world.after(graceMs + 25_000, () => {
      if (host.process !== process) return
      const { client } = host
      if (client) process.enter(() => void client.close())
      else process.kill() // it has not even arrived
      this.#world.after(10_000, () => {
        if (client && process.timers > 0 && process.running)
          this.judge.complain('nothing-left', `${process.name} left timers`)
      })
      this.#reborn(host, forMs + 10_000)
    })
  }

  #reborn(host: Host, forMs: number): void {
    const process = this.#boot(host.index)
    const fail = (): void => {}
    Object.assign(host, { process, client: undefined, tenure: undefined, seen: null, fail, ...untroubled })
    this.#world.after(forMs, () => {
      if (host.process === process) this.#start(host)
    })
  }

  /** Checks that somebody leads, that every observer knows it, and that every candidate still stands in line. */
  #allWell(): void {
    const [owner] = this.#store.owners(name, 1)
    const candidates = this.#hosts.filter(({ client, stop }) => client && !stop.signal.aborted)
    const open = candidates.filter(({ client }) => client !== undefined)
    if (open.length > 0 && owner === undefined)
      this.judge.complain('standing-candidates', 'nobody leads, though candidates stand')
    if (open.length > 0 && !open.some(({ tenure }) => tenure?.working))
      this.judge.complain('standing-candidates', 'nobody works')
    const leading = open.find(({ tenure }) => tenure?.working)
    if (leading?.isDraining && open.some(({ isDraining }) => !isDraining))
      this.judge.complain('room-made', `${leading.process.name} leads, though it was to make room`)
    const sights = new Set(open.map(({ seen }) => String(seen)))
    if (sights.size > 1)
      this.judge.complain('standing-candidates', `observers disagree: ${[...sights].join(', ')}`)
    const token = leading?.tenure?.term.token
    const mistaken = [...sights].find((sight) => !sight.endsWith(` of term ${token}`))
    if (leading && mistaken)
      this.judge.complain('standing-candidates', `${mistaken} is seen, and term ${token} is led`)
  }

  async #end(): Promise<void> {
    for (const { process, stop } of this.#hosts) process.enter(() => stop.abort())
    await this.#world.run(this.#world.nowMs + 15_000)
    for (const { process, client } of this.#hosts) process.enter(() => void client?.close())
    await this.#world.run(this.#world.nowMs + 3 * this.#store.takeOverMs)
    for (const { process } of this.#hosts) {
      if (process.timers > 0)
        this.judge.complain('nothing-left', `${process.name} has ${process.timers} timers left`)
    }
    const left = this.#store.leftovers(false).filter((key) => !key.includes('.line'))
    if (left.length > 0) this.judge.complain('nothing-left', `left in the store: ${left.join(', ')}`)
  }
}

/** The store with sessions of another time to live. A scale below 1 leads to the minimum of every store. */
function scaled(store: SimStore, scale: number): SimStore {
  const ttlMs = Math.max(store.ttlMs * scale, store.ttlMsMin)
  const by = Math.max(1, ttlMs / store.ttlMs)
  const { believedMs, requestMs, takeOverMs } = store
  return {
    ...{ ...store, ttlMs },
    ...{ believedMs: believedMs * by, requestMs: requestMs * by, takeOverMs: takeOverMs * by },
  }
}

// Runs one plan of a cron job in a simulated world. Owns how hosts live and die, and the work of their jobs.

import type { CronGuard } from '../../../src/api/cron.ts'
import type { Hold } from '../../../src/api/hold.ts'
import type { Leasehold } from '../../../src/api/leasehold.ts'
import { ClockError, TickLostError } from '../../../src/base/errors.ts'
import { connect } from '../../../src/connect.ts'
import { Network } from '../../../src/testing/network.ts'
import { SimProcess } from '../../../src/testing/process.ts'
import { World } from '../../../src/testing/world.ts'
import { Breaks, type Victim } from '../breaks.ts'
import type { Verdict } from '../locks/run.ts'
import type { MakeStore, SimStore } from '../stores.ts'
import { Ledger } from './ledger.ts'
import type { CronPlan, Trouble } from './plan.ts'

/** The shortest time that a killed host is away. */
const bootMs = 500
/** How long a host has between the request to stop and its end: more than the grace of a job. */
const graceMs = 15_000

export async function runCronPlan(
  make: MakeStore,
  plan: CronPlan,
  { log = false }: { readonly log?: boolean } = {},
): Promise<Verdict> {
  const run = new CronRun(make, plan, log)
  const complain = (error: unknown): void =>
    run.ledger.complain('no-stray-error', `unhandled rejection: ${error}`)
  process.on('unhandledRejection', complain)
  await run.play().catch((error) => run.ledger.complain('progress', `the run: ${error}`))
  await new Promise(setImmediate)
  process.off('unhandledRejection', complain)
  return run.verdict()
}

const name = 'n0'

/** One machine with the job on its schedule. */
interface Host {
  readonly index: number
  readonly skewMs: number
  process: SimProcess
  stop: AbortController
  client: Leasehold | undefined
  /** If it has to stop as soon as it has marked a tick: how long it is away then. */
  stopAtMarkMs?: number | undefined
}

const storeTimes = ({ ttlMs, takeOverMs }: SimStore) => ({ ttlMs, takeOverMs })

class CronRun {
  readonly ledger: Ledger
  readonly #plan: CronPlan
  readonly #world: World
  readonly #network: Network
  readonly #store: SimStore
  readonly #breaks: Breaks
  readonly #hosts: Host[]
  #births = 0
  #over = false

  constructor(make: MakeStore, plan: CronPlan, log: boolean) {
    this.#plan = plan
    this.#world = new World(plan.seed, { log })
    this.#network = new Network(this.#world)
    this.#store = make(this.#world, this.#network, () => this.#committed())
    this.#breaks = new Breaks(this.#world, this.#store, [name], { told: (victim) => this.#robbed(victim) })
    this.ledger = new Ledger(this.#world, plan, { breaks: this.#breaks, ...storeTimes(this.#store) })
    const skewsMs = plan.wrongMs === 0 ? plan.skewsMs : [...plan.skewsMs, plan.wrongMs]
    this.#hosts = skewsMs.map((skewMs, index) => {
      return {
        index,
        skewMs,
        process: this.#boot(index, skewMs),
        stop: new AbortController(),
        client: undefined,
      }
    })
  }

  verdict(): Verdict {
    const { violations } = this.ledger
    return { violations, digest: this.#world.digest(), marks: this.#world.marks, story: this.#world.story() }
  }

  async play(): Promise<void> {
    for (const host of this.#hosts) this.#start(host)
    for (const trouble of this.#plan.troubles) this.#world.after(trouble.atMs, () => this.#cause(trouble))
    await this.#world.run(this.#plan.minutes * 60_000)
    this.#network.heal()
    // One more interval without trouble, in which whatever was left undone comes to light.
    await this.#world.run((this.#plan.minutes + 2 + this.#plan.every) * 60_000 + 2 * this.#plan.jobMs)
    this.ledger.judge()
    await this.#end()
  }

  /** The record may have changed. */
  #committed(): void {
    if (!this.ledger) return
    const [owner] = this.#store.owners(name, 1)
    const marked = this.ledger.looked(this.#store.checkpoint(name), owner)
    const host = this.#hosts.find(({ process }) => process.name === owner)
    if (!marked || host?.stopAtMarkMs === undefined) return
    this.#world.mark('stopped at its mark')
    this.#stop(host, host.stopAtMarkMs)
    host.stopAtMarkMs = undefined
  }

  async #end(): Promise<void> {
    this.#over = true
    for (const { process, stop } of this.#hosts) process.enter(() => stop.abort())
    for (const { process, client } of this.#hosts) process.enter(() => void client?.close())
    await this.#world.run(this.#world.nowMs + 60_000)
    for (const { process } of this.#hosts) {
      if (process.timers > 0)
        this.ledger.complain('nothing-left', `${process.name} has ${process.timers} timers left`)
    }
    const left = this.#store.leftovers(false).filter((key) => !key.includes('.line'))
    if (left.length > 0) this.ledger.complain('nothing-left', `left in the store: ${left.join(', ')}`)
  }

  #boot(index: number, wallOffsetMs: number): SimProcess {
    this.#births += 1
    return new SimProcess(this.#world, `h${index}.${this.#births}`, { rate: 1, wallOffsetMs })
  }

  #start(host: Host): void {
    const { process } = host
    host.stop = new AbortController()
    const { signal } = host.stop
    const failed = (error: unknown): void => this.#world.note(`${process.name}: ${error}`)
    process.enter(() => void this.#keep(host, signal).catch(failed))
  }

  async #keep(host: Host, signal: AbortSignal): Promise<void> {
    const { process } = host
    for (;;) {
      const options = { clock: process, ttlMs: this.#store.ttlMs }
      const client = await connect(this.#store.source(process), options).catch(() => undefined)
      host.client = client
      if (client) this.ledger.up(host.index)
      if (client)
        return this.#guard(client, host).start((hold, tick) => this.#job(host, hold, tick), {
          signal,
          onTick: ({ ran, tick }) => ran && this.ledger.done(tick.getTime()),
          onError: (error) => this.#hear(host, error),
        })
      await new Promise<void>((resolve) => process.after(1_000, resolve))
    }
  }

  #hear({ index, process }: Host, error: unknown): void {
    this.#world.note(`${process.name}: ${error}`)
    if (error instanceof TickLostError) this.ledger.lost(error.tickMs)
    if (error instanceof ClockError && !this.ledger.isWrong(index)) this.#world.mark('wrong clock told')
  }

  #guard(client: Leasehold, { index, process }: Host): CronGuard {
    const { catchUp, retry, every } = this.#plan
    const onMissed = (tick: Date): void => {
      this.#world.mark('tick missed')
      this.#world.note(`${process.name} tells that ${tick.toISOString()} was missed`)
      if (!this.ledger.isWrong(index)) this.ledger.missed(tick.getTime())
    }
    return client.cron(name, { schedule: `*/${every} * * * *`, timezone: 'UTC', catchUp, retry, onMissed })
  }

  /** A person tries the job out on a host, at no particular time. */
  async #tryOut(host: Host): Promise<void> {
    const { client, process } = host
    if (!client || !process.alive) return
    const onError = (error: unknown): void => this.#hear(host, error)
    try {
      const result = await this.#guard(client, host).run((hold, tick) => this.#job(host, hold, tick), {
        onError,
      })
      if (result.ran) this.ledger.done(result.tick.getTime())
      this.#world.mark(result.ran ? 'by hand: ran' : `by hand: ${result.reason}`)
    } catch (error) {
      this.#world.note(`${process.name}, by hand: ${error}`)
    }
  }

  async #job({ index, process }: Host, hold: Hold, tick: Date): Promise<void> {
    this.#world.note(`${process.name} begins ${tick.toISOString()}`)
    const ended = this.ledger.begun(tick.getTime(), { host: index, process, hold })
    for (let leftMs = this.#plan.jobMs; leftMs > 0 && hold.held; leftMs -= 1_000) {
      await new Promise<void>((resolve) => process.after(Math.min(leftMs, 1_000), resolve))
    }
    ended()
  }

  #cause({ kind, host: index, forMs }: Trouble): void {
    const host = this.#hosts[index % this.#hosts.length] as Host
    const server = this.#store.host.name
    this.#world.mark(`fault: ${kind}`)
    if (kind === 'kill') this.#kill(host, forMs)
    else if (kind === 'cut') {
      this.ledger.disturbed(host.index, forMs)
      this.#network.cut(host.process.name, server, 'there')
      this.#network.cut(host.process.name, server, 'back')
      this.#world.after(forMs, () => this.#network.heal())
    } else if (kind === 'freeze') {
      this.ledger.disturbed(host.index, forMs)
      host.process.freeze(forMs)
    } else if (kind === 'break') this.#breaks.evict()
    else if (kind === 'stop') this.#stop(host, forMs)
    else if (kind === 'stop at mark') host.stopAtMarkMs = forMs
    else if (kind === 'by hand') host.process.enter(() => void this.#tryOut(host))
    else if (kind === 'outage') this.#strike('server pause', Math.min(forMs, 100_000))
    else if (kind === 'end session' || kind === 'delete key') this.#breaks.operate(kind)
    else this.#strike(kind, Math.min(forMs, 40_000))
  }

  /** A host that holds the lock or stands in line for it has to begin again. */
  #robbed({ process: name }: Victim): void {
    const hosts = this.#hosts.filter(({ process }) => process.name === (name ?? process.name))
    for (const { index } of hosts) this.ledger.disturbed(index, 0)
  }

  #strike(kind: 'server pause' | 'server crash', forMs: number): void {
    for (const { index } of this.#hosts) this.ledger.disturbed(index, forMs + this.#store.takeOverMs)
    if (kind === 'server pause') this.#store.host.pause(forMs)
    else this.#store.restart(forMs)
  }

  /** As a deploy does: the program is asked to end, and has its grace. */
  #stop(host: Host, forMs: number): void {
    const { process, client, stop } = host
    this.ledger.down(host.index)
    process.enter(() => {
      stop.abort('deploy')
      void client?.close().then(() => this.ledger.stopped(process.name))
    })
    this.#world.after(graceMs, () => {
      if (host.process === process && !this.#over) this.#kill(host, forMs)
    })
  }

  #kill(host: Host, forMs: number): void {
    this.ledger.down(host.index)
    host.process.kill()
    host.process = this.#boot(host.index, host.skewMs)
    const { process } = host
    this.#world.after(bootMs + forMs, () => {
      if (host.process === process && !this.#over) this.#start(host) // and was not killed again
    })
  }
}

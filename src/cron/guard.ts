// A cron job that many hosts have on their schedule and one runs. Owns what a tick is worth: which one it is now, which
// were missed, and when it is marked; who gets it, contest.ts settles, and when the next one comes, keeper.ts.

import type { CronGuard, CronJob, CronOptions, StartOptions, TickOptions, TickResult } from '../api/cron.ts'
import type { Holder } from '../api/hold.ts'
import { Scope } from '../base/scope.ts'
import {
  checkName,
  checkOptions,
  checkWork,
  cronOptions,
  startOptions,
  tickOptions,
} from '../core/arguments.ts'
import { awaitWithGrace, graceDefaultMs } from '../core/grace.ts'
import { parseHolder } from '../core/holder.ts'
import { type Contest, type CronClient, compete, readMarker } from './contest.ts'
import { keep } from './keeper.ts'
import type { Marker, TickHold } from './marker.ts'
import { Schedule } from './schedule.ts'

/** The most missed ticks that are told or made up for at once: the latest ones. */
const missedMost = 1_000

/** A cron job of this client: see CronGuard for its promises. */
export class ClientCronGuard implements CronGuard {
  readonly name: string
  readonly #client: CronClient
  readonly #options: CronOptions
  readonly #schedule: Schedule | undefined

  /** Throws TypeError or RangeError for bad arguments, which say where the expression is wrong. Sends nothing. */
  constructor(client: CronClient, name: string, options: CronOptions) {
    checkName(name)
    checkOptions(options, cronOptions)
    this.name = name
    this.#client = client
    this.#options = options
    const { schedule, timezone } = options
    this.#schedule = schedule === undefined ? undefined : new Schedule(schedule, timezone)
  }

  async run<T>(job: CronJob<T>, options: TickOptions = {}): Promise<TickResult<T>> {
    checkWork('job', job)
    checkOptions(options, tickOptions)
    const tickMs = options.tick?.getTime() ?? this.#known().nearest(this.#client.clock.wallMs())
    if (tickMs === undefined) throw new RangeError('schedule: it has no tick near the present')
    const scope = new Scope().on(this.#client.acquirer.closing).onSignal(options.signal)
    return this.#client.acquirer.awaitOnClose(
      this.#take(tickMs, job, options, scope).finally(() => scope.lift()),
    )
  }

  async start(job: CronJob<unknown>, options: StartOptions = {}): Promise<void> {
    checkWork('job', job)
    checkOptions(options, startOptions)
    const { acquirer, clock } = this.#client
    const scope = new Scope().on(acquirer.closing).onSignal(options.signal)
    const take = (tickMs: number) => this.#take(tickMs, job, options, scope)
    const keeping = { schedule: this.#known(), clock, scope, take, overdue: () => this.#overdue() }
    await acquirer.awaitOnClose(keep(keeping, options).finally(() => scope.lift()))
  }

  async readCheckpoint(): Promise<string | undefined> {
    return (await readMarker(this.#client, this.name))?.text
  }

  async #take<T>(
    tickMs: number,
    job: CronJob<T>,
    options: TickOptions,
    scope: Scope,
  ): Promise<TickResult<T>> {
    const tick = new Date(tickMs)
    const outcome = await compete(this.#client, this.#contest(tickMs, options, scope))
    if (!outcome.hold) return { ran: false, tick, by: outcome.by }
    const { hold, marker } = outcome
    const turn = { hold, scope, graceMs: options.graceMs ?? graceDefaultMs }
    try {
      for (const lateMs of this.#late(marker, tickMs)) await this.#perform(turn, lateMs, job)
      return { ran: true, tick, value: await this.#perform(turn, tickMs, job) }
    } finally {
      // A refused release must not mask what happened in the job; the session's end frees the lock.
      await hold.release().catch(() => {})
    }
  }

  #contest(tickMs: number, { waitMs, onWait }: TickOptions, scope: Scope): Contest {
    const nextMs = this.#schedule?.next(tickMs)
    const leftMs = nextMs === undefined ? undefined : Math.max(1, nextMs - this.#client.clock.wallMs())
    return {
      name: this.name,
      tickMs,
      retry: this.#options.retry === true,
      waitMs: waitMs ?? leftMs,
      onWait,
      scope,
    }
  }

  /** Marks the tick, does the job, and marks that it is done: a job that throws has come to an end, too. */
  async #perform<T>(turn: Turn, tickMs: number, job: CronJob<T>): Promise<T> {
    const by = parseHolder(this.#client.holder) as Holder
    const { hold } = turn
    await hold.mark({ tickMs, by, done: false })
    const value = await this.#work(turn, () => job(hold, new Date(tickMs))).catch(async (error) => {
      await hold.mark({ tickMs, by, done: true }).catch(() => {})
      throw error
    })
    await hold.mark({ tickMs, by, done: true })
    return value
  }

  async #work<T>({ hold, scope, graceMs }: Turn, job: () => T | Promise<T>): Promise<T> {
    scope.throwIfEnded()
    hold.assertHeld() // the mark may have taken its time
    const forget = scope.onEnd((reason) => hold.askToStop(reason))
    try {
      const working = (async () => job())()
      working.catch(() => {}) // it may fail when nobody waits for it any more
      const grace = { clock: this.#client.clock, graceMs, name: this.name }
      const stuck = await awaitWithGrace(working, hold.signal, grace)
      if (stuck) throw stuck
      hold.assertHeld()
      return await working
    } finally {
      forget()
    }
  }

  /** The ticks to run before this one, after the others were told to be missed. */
  #late(marker: Marker | undefined, tickMs: number): number[] {
    if (!marker) return []
    const { retry, catchUp = false, onMissed } = this.#options
    const begun = retry && !marker.done && marker.tickMs < tickMs ? [marker.tickMs] : []
    const missed = this.#schedule ? latest(this.#schedule.between(marker.tickMs, tickMs)) : []
    const isLate = (ms: number): boolean => (typeof catchUp === 'function' ? catchUp(new Date(ms)) : catchUp)
    const late = missed.filter(isLate)
    for (const ms of missed) if (!late.includes(ms)) onMissed?.(new Date(ms))
    return [...begun, ...late]
  }

  /** The tick before the present one, if it is one to be run late: a host that begins makes up for it at once. */
  async #overdue(): Promise<number | undefined> {
    const { catchUp = false } = this.#options
    const lastMs = this.#known().last(this.#client.clock.wallMs())
    if (!catchUp || lastMs === undefined) return undefined
    const marker = await readMarker(this.#client, this.name)
    if (!marker || marker.tickMs >= lastMs) return undefined
    return catchUp === true || catchUp(new Date(lastMs)) ? lastMs : undefined
  }

  #known(): Schedule {
    if (this.#schedule) return this.#schedule
    throw new TypeError('schedule: undefined is not a string; without a schedule each run needs a tick')
  }
}

/** The latest ticks of those that come latest first, in order. */
function latest(ticks: Iterable<number>): number[] {
  const found: number[] = []
  for (const tick of ticks) if (found.push(tick) >= missedMost) break
  return found.reverse()
}

/** One host's turn at a cron job. */
interface Turn {
  readonly hold: TickHold
  readonly scope: Scope
  readonly graceMs: number
}

// A cron job that many hosts have on their schedule and one runs. Owns what a tick is worth: which one it is now, which
// were missed, and when it is marked; who gets it, contest.ts settles, and when the next one comes, keeper.ts.

import { Scope } from '../base/scope.ts'
import {
  checkCallback,
  checkFlag,
  checkGrace,
  checkName,
  checkOptions,
  checkSignal,
  checkTick,
  checkWait,
  checkWork,
} from '../core/arguments.ts'
import { awaitWithGrace, graceDefaultMs } from '../core/grace.ts'
import { type Holder, parseHolder } from '../core/holder.ts'
import { type Contest, type CronClient, compete, readMarker } from './contest.ts'
import { keep, type StartOptions } from './keeper.ts'
import type { Marker, TickHold } from './marker.ts'
import { Schedule } from './schedule.ts'
import type { CronJob, TickOptions, TickResult } from './tick.ts'

/** What a cron job is. All hosts say the same. */
export interface CronOptions {
  /**
   * A cron expression of five fields, or six with seconds in front, or a nickname such as `@hourly`. Needed unless every
   * `run` names its tick.
   */
  readonly schedule?: string | undefined
  /** The time zone of the schedule, such as `Europe/Berlin`; by default that of the process, which may differ. */
  readonly timezone?: string | undefined
  /**
   * Whether a tick whose host died half-way is run again by another one: a tick then runs at least once rather than at
   * most once, since a host may also die between the end of the job and the note of it. The others wait until the job
   * is done. By default a tick runs at most once, whatever happens.
   */
  readonly retry?: boolean | undefined
  /** Which ticks that nobody took are run late, before the next one: all, none (the default), or those it is true for. */
  readonly catchUp?: boolean | ((missed: Date) => boolean) | undefined
  /** Hears of every tick that nobody took and that is not run late, from the host that runs the next one. */
  readonly onMissed?: ((missed: Date) => void) | undefined
}

/** The most missed ticks that are told or made up for at once: the latest ones. */
const missedMost = 1_000

/** One cron job on all of its hosts. */
export class CronGuard {
  readonly name: string
  readonly #client: CronClient
  readonly #options: CronOptions
  readonly #schedule: Schedule | undefined

  /** Throws TypeError or RangeError for bad arguments, which say where the expression is wrong. Sends nothing. */
  constructor(client: CronClient, name: string, options: CronOptions) {
    checkName(name)
    checkOptions(options)
    checkFlag('retry', options.retry)
    checkCallback('onMissed', options.onMissed)
    if (typeof options.catchUp !== 'boolean') checkCallback('catchUp', options.catchUp)
    this.name = name
    this.#client = client
    this.#options = options
    const { schedule, timezone } = options
    this.#schedule = schedule === undefined ? undefined : new Schedule(schedule, timezone)
  }

  /**
   * Runs `job` if this host is the one for the present tick: once over all hosts, whose clocks may differ by less than
   * half an interval. Waits no longer than until the next tick (or `waitMs`), and only for a host that holds the lock
   * without having marked this tick. Costs one request where the tick is taken, and six where it runs, beside the job's.
   * Rejects with what the job throws (the tick counts as run), with HoldLostError if the lock was lost before the job
   * was done, and otherwise as `acquire` of a lock; where the job did not begin, the tick is left to others.
   */
  async run<T>(job: CronJob<T>, options: TickOptions = {}): Promise<TickResult<T>> {
    checkWork('job', job)
    checkSignal(options.signal)
    checkTick(options.tick)
    checkWait(options.waitMs)
    checkGrace(options.graceMs)
    checkCallback('onWait', options.onWait)
    const tickMs = options.tick?.getTime() ?? this.#known().nearest(this.#client.clock.wallMs())
    if (tickMs === undefined) throw new RangeError('schedule: it has no tick near the present')
    const scope = new Scope().on(this.#client.acquirer.closing).onSignal(options.signal)
    return this.#client.acquirer.awaitOnClose(
      this.#take(tickMs, job, options, scope).finally(() => scope.lift()),
    )
  }

  /**
   * Keeps the schedule: runs `job` at each tick for which this host is the one, until `signal` aborts or the client is
   * closed; then the job that runs is asked to stop, awaited for `graceMs`, and `start` resolves. What goes wrong is
   * told to `onError`, by default as a warning of the process, and the next tick comes. Rejects for bad arguments,
   * and with HoldLostError if the job still runs when all else is over: then end the process.
   */
  async start(job: CronJob<unknown>, options: StartOptions = {}): Promise<void> {
    checkWork('job', job)
    checkSignal(options.signal)
    checkGrace(options.graceMs)
    checkCallback('onError', options.onError)
    checkCallback('onTick', options.onTick)
    const { acquirer, clock } = this.#client
    const scope = new Scope().on(acquirer.closing).onSignal(options.signal)
    const take = (tickMs: number) => this.#take(tickMs, job, options, scope)
    const keeping = { schedule: this.#known(), clock, scope, take, overdue: () => this.#overdue() }
    await acquirer.awaitOnClose(keep(keeping, options).finally(() => scope.lift()))
  }

  /** What the job of the last tick stored with `hold.checkpoint(text)`, read linearizably; undefined if none ever did. */
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
    const missed = this.#schedule?.between(marker.tickMs, tickMs, missedMost) ?? []
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

/** One host's turn at a cron job. */
interface Turn {
  readonly hold: TickHold
  readonly scope: Scope
  readonly graceMs: number
}

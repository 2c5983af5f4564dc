// A cron job that many hosts have on their schedule, and that one of them runs. Owns the methods for callers. taking.ts takes
// part in one tick on this host; keeper.ts waits for the next one.
import type {
  CronGuard,
  CronJob,
  CronOptions,
  StartOptions,
  TickOptions,
  TickPreview,
  TickRecord,
  TickResult,
} from '../api/cron.ts'
import type { AcquireOptions } from '../api/lock.ts'
import type { Scope } from '../base/scope.ts'
import {
  acquireOptions,
  checkName,
  checkOptions,
  checkWork,
  cronOptions,
  nowOptions,
  startOptions,
  tickOptions,
} from '../core/arguments.ts'
import { graceDefaultMs, warn } from '../core/grace.ts'
import { type CronClient, readMarker, stand } from './contest.ts'
import { keep } from './keeper.ts'
import { recordOf, type TickHold } from './marker.ts'
import { MissedTicks } from './missed.ts'
import { horizonOf, presentTick } from './present.ts'
import { rule, spanBefore } from './ruling.ts'
import { Schedule } from './schedule.ts'
import { type KnownJob, Taking } from './taking.ts'
import { work } from './turn.ts'

/** A cron job of this client: see CronGuard for its promises. */
export class ClientCronGuard implements CronGuard {
  readonly name: string
  readonly #client: CronClient
  readonly #options: CronOptions
  readonly #schedule: Schedule | undefined
  readonly #job: KnownJob

  /**
   * Throws TypeError or RangeError for bad arguments; the error says which field of the expression is wrong. Sends
   * nothing.
   */
  constructor(client: CronClient, name: string, options: CronOptions) {
    checkName(name)
    checkOptions(options, cronOptions)
    this.name = name
    this.#client = client
    this.#options = options
    const { schedule, timezone } = options
    this.#schedule = schedule === undefined ? undefined : new Schedule(schedule, timezone)
    this.#job = { name, client, options, schedule: this.#schedule }
  }

  async run<T>(job: CronJob<T>, options: TickOptions = {}): Promise<TickResult<T>> {
    checkWork('job', job)
    checkOptions(options, tickOptions)
    const { tickMs, early } = options.tick
      ? { tickMs: options.tick.getTime(), early: false }
      : this.#present()
    if (early) return { ran: false, tick: new Date(tickMs), reason: 'early', last: undefined, by: undefined }
    const { onError = warn } = options
    return this.#whileOpen(options.signal, (scope) =>
      new Taking(this.#job, { ...options, tickMs, named: !!options.tick, job, scope, onError }).take(),
    )
  }

  async runNow<T>(job: CronJob<T>, options: Parameters<CronGuard['runNow']>[1] = {}): Promise<T> {
    checkWork('job', job)
    checkOptions(options, nowOptions)
    const { clock } = this.#client
    return this.#held(options, async (hold, scope) => {
      const { graceMs = graceDefaultMs } = options
      return work({ name: this.name, clock, hold, job, scope, graceMs }, clock.wallMs())
    })
  }

  async start(job: CronJob<unknown>, options: StartOptions = {}): Promise<void> {
    checkWork('job', job)
    checkOptions(options, startOptions)
    const [schedule, { clock }] = [this.#known(), this.#client]
    const { signal, onError = warn } = options
    await this.#whileOpen(signal, (scope) => {
      const take = (tickMs: number): Promise<TickResult<unknown>> =>
        new Taking(this.#job, { ...options, tickMs, named: false, job, scope, onError }).take()
      return keep({ schedule, clock, scope, take, overdue: () => this.#overdue() }, { ...options, onError })
    })
  }

  async preview(): Promise<TickPreview> {
    const { tickMs, early } = this.#present()
    const { retry = false, aheadMs } = this.#options
    const horizonMs = horizonOf(Math.max(this.#client.clock.wallMs(), tickMs), aheadMs)
    return this.#whileOpen(undefined, async (scope) => {
      const marker = await readMarker(this.#client, this.name)
      const ruling = rule(marker, { tickMs, retry, horizonMs, unbegun: new Set() })
      const span = ruling?.span ?? marker?.spans[0]
      const base = spanBefore(marker, tickMs)
      const verdict = ruling?.reason ?? (early ? 'early' : 'run')
      const missing = new MissedTicks(this.#schedule, this.#client.clock, scope)
      const { ticks } = base && verdict === 'run' ? await missing.between(base.tickMs, tickMs) : { ticks: [] }
      const missed = ticks.map((ms) => new Date(ms))
      return { tick: new Date(tickMs), verdict, last: span && recordOf(span), missed }
    })
  }

  async readCheckpoint(): Promise<string | undefined> {
    return (await readMarker(this.#client, this.name))?.text
  }

  async readLast(): Promise<TickRecord | undefined> {
    const span = (await readMarker(this.#client, this.name))?.spans[0]
    return span && recordOf(span)
  }

  async reset(options: AcquireOptions = {}): Promise<TickRecord[]> {
    checkOptions(options, acquireOptions)
    const horizonMs = horizonOf(this.#client.clock.wallMs(), this.#options.aheadMs)
    return this.#held(options, async (hold) => {
      const { spans } = hold.marker
      const future = spans.filter(({ tickMs }) => tickMs > horizonMs)
      if (future.length > 0)
        await hold.record({ ...hold.marker, spans: spans.filter((span) => !future.includes(span)) })
      return future.map(recordOf)
    })
  }

  /** Runs `what` in a scope that `signal` and `close` end. `close` waits for it. */
  #whileOpen<T>(signal: AbortSignal | undefined, what: (scope: Scope) => Promise<T>): Promise<T> {
    const { acquirer } = this.#client
    const scope = acquirer.closing.scopeOf(signal)
    return acquirer.closing.awaitOnClose(what(scope).finally(() => scope.detach()))
  }

  /** Runs `what` under the lock, with a hold that has read the record. */
  #held<T>(options: AcquireOptions, what: (hold: TickHold, scope: Scope) => Promise<T>): Promise<T> {
    return this.#whileOpen(options.signal, async (scope) => {
      const { name } = this
      const hold = await stand(this.#client, { ...options, name }, scope)
      try {
        hold.found(await readMarker(this.#client, name))
        return await what(hold, scope)
      } finally {
        await hold.release().catch(() => {})
      }
    })
  }

  #present(): ReturnType<typeof presentTick> {
    return presentTick(this.#known(), this.#client.clock.wallMs(), this.#options.aheadMs)
  }

  /**
   * The last tick before now, if no host took it and `catchUp` wants it to run late: a host that starts runs it at
   * once.
   */
  async #overdue(): Promise<number | undefined> {
    const { catchUp = false } = this.#options
    const lastMs = this.#known().last(this.#client.clock.wallMs())
    if (!catchUp || lastMs === undefined) return undefined
    const marker = await readMarker(this.#client, this.name)
    const before = spanBefore(marker, lastMs)
    const known = marker?.spans.some(({ fromMs, tickMs }) => fromMs <= lastMs && lastMs <= tickMs)
    if (!before || known) return undefined
    return catchUp === true || catchUp(new Date(lastMs)) ? lastMs : undefined
  }

  #known(): Schedule {
    if (this.#schedule) return this.#schedule
    throw new TypeError('schedule: undefined is not a string; without a schedule each run needs a tick')
  }
}

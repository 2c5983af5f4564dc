// One tick on one host, from the first look at the record to the end of the job. Owns how long the host tries, what it
// reports on the way, and which ticks run late before this one.
import type { CronJob, CronOptions, TickOptions, TickResult } from '../api/cron.ts'
import type { Holder } from '../api/hold.ts'
import { type Mark, mostElapsedMs } from '../base/clock.ts'
import { ClockError, TickLostError } from '../base/errors.ts'
import { quoted } from '../base/printable.ts'
import type { Scope } from '../base/scope.ts'
import { graceDefaultMs } from '../core/grace.ts'
import { nameOf, parseHolder } from '../core/holder.ts'
import { type CronClient, compete, type Outcome } from './contest.ts'
import { recordOf, type TickHold } from './marker.ts'
import { MissedTicks } from './missed.ts'
import { outlast } from './outlast.ts'
import { horizonOf, untilNextMs } from './present.ts'
import { type Asked, futureSpans, type Marker, type Span, spanBefore } from './ruling.ts'
import type { Schedule } from './schedule.ts'
import { TickEvents } from './tick-events.ts'
import { perform, type Unbegun } from './turn.ts'

/** A cron job, as its guard knows it. */
export interface KnownJob {
  readonly name: string
  readonly client: CronClient
  readonly options: CronOptions
  readonly schedule: Schedule | undefined
}

/** One tick, and the job to run at it. */
export interface TakeOptions<T> extends TickOptions {
  readonly tickMs: number
  /** Whether the caller named the tick. Then `waitMs` and `giveUpMs` are its only deadlines. */
  readonly named: boolean
  readonly job: CronJob<T>
  readonly scope: Scope
  readonly onError: (error: unknown) => void
}

/** Ticks before this one that no host took or ended. */
interface Late {
  readonly run: readonly number[]
  readonly left: readonly number[]
  readonly sinceMs: number | undefined
}

/** One tick on this host. */
export class Taking<T> {
  readonly #job: KnownJob
  readonly #options: TakeOptions<T>
  readonly #since: Mark
  readonly #horizonMs: number
  readonly #untilNextMs: number | undefined
  readonly #missed: MissedTicks
  readonly #events: TickEvents
  readonly #unbegun = new Map<string, Unbegun>()
  /** Ticks of the future that were reported. */
  readonly #told = new Set<number>()

  constructor(job: KnownJob, options: TakeOptions<T>) {
    const { client, schedule } = job
    const { tickMs, named, scope } = options
    const nowMs = client.clock.wallMs()
    this.#job = job
    this.#options = options
    this.#since = client.clock.mark()
    this.#horizonMs = horizonOf(Math.max(nowMs, tickMs), job.options.aheadMs)
    this.#untilNextMs = named || !schedule ? undefined : untilNextMs(schedule, tickMs, nowMs)
    this.#missed = new MissedTicks(schedule, client.clock, scope)
    this.#events = new TickEvents(job)
  }

  /** See `run` of CronGuard. */
  take(): Promise<TickResult<T>> {
    const { clock } = this.#job.client
    const { tickMs, waitMs, giveUpMs = waitMs ?? this.#untilNextMs ?? 0, scope, onError } = this.#options
    const outlasting = { clock, scope, forMs: giveUpMs, onOutage: onError }
    const taking = outlast(() => this.#try(), outlasting)
    return this.#events.taken(taking, tickMs).catch((error) => {
      const ticks = new Set([...this.#unbegun.values()].map(({ tickMs }) => tickMs))
      for (const tickMs of ticks) onError(notBegun(this.#job.name, tickMs, error))
      throw error
    })
  }

  async #try(): Promise<TickResult<T>> {
    const { name, client } = this.#job
    const { tickMs, scope, onWait } = this.#options
    const tick = new Date(tickMs)
    const outcome = await compete(client, {
      ...{ name, scope, onWait, asked: this.#asked, waitMs: this.#waitMs },
      onMarker: (marker) => this.#tellFuture(marker),
      prepare: (marker) => this.#late(marker).then(() => {}),
    })
    if (!outcome.hold) return notRun(tick, outcome)
    try {
      return { ran: true, tick, value: await this.#run(outcome.hold, outcome.marker) }
    } finally {
      // A refused release must not mask what happened in the job; the session's end frees the lock.
      await outcome.hold.release().catch(() => {})
    }
  }

  get #asked(): Asked {
    const { tickMs } = this.#options
    const retry = this.#job.options.retry === true
    return { tickMs, retry, horizonMs: this.#horizonMs, unbegun: this.#unbegun }
  }

  /** The rest of the time to wait for the lock; 0 if the caller does not want to wait at all. */
  get #waitMs(): number | undefined {
    const { waitMs = this.#untilNextMs } = this.#options
    const elapsedMs = mostElapsedMs(this.#since, this.#job.client.clock.mark())
    return waitMs && Math.max(1, waitMs - elapsedMs)
  }

  /** Runs the late ticks, and then the present one. */
  async #run(hold: TickHold, marker: Marker | undefined): Promise<T> {
    const { client, name, schedule } = this.#job
    const { job, scope, graceMs = graceDefaultMs, tickMs } = this.#options
    const { run, left, sinceMs } = await this.#late(marker)
    let told = 0
    const turn = {
      ...{ name, clock: client.clock, hold, job, scope, graceMs, schedule },
      ...{ horizonMs: this.#horizonMs, unbegun: this.#unbegun },
      // Missed ticks are reported once a later tick is on record: until then another host would find and report them
      // again.
      onMarked: (markedMs: number) => {
        const until = left.filter((ms) => ms < markedMs).length
        this.#tellMissed(left.slice(told, until), told === 0 ? sinceMs : undefined)
        told = until
      },
    }
    const by = parseHolder(client.holder) as Holder
    const runs = (ms: number): Promise<T> => this.#events.run(hold.token, ms, () => perform(turn, ms, by))
    for (const lateMs of run) await runs(lateMs)
    return runs(tickMs)
  }

  /**
   * The late ticks to run before this one, and the other ticks that no host took. `sinceMs` is set if there are more of
   * them than are listed: all came after that tick.
   */
  async #late(marker: Marker | undefined): Promise<Late> {
    const { tickMs } = this.#options
    const { retry = false, catchUp = false } = this.#job.options
    const known = marker?.spans.some((span) => span.tickMs === tickMs && !this.#isUnbegun(span))
    const base = spanBefore(marker, tickMs)
    if (!base || known) return { run: [], left: [], sinceMs: undefined }
    const { ticks, more } = await this.#missed.between(base.tickMs, tickMs)
    const isLate = (ms: number): boolean => (typeof catchUp === 'function' ? catchUp(new Date(ms)) : catchUp)
    const late = new Set(ticks.filter(isLate))
    const begun = !base.done && (retry || this.#isUnbegun(base)) ? [base.tickMs] : []
    const left = ticks.filter((ms) => !late.has(ms))
    return { run: [...begun, ...late], left, sinceMs: more ? base.tickMs : undefined }
  }

  #isUnbegun({ token }: Span): boolean {
    return token !== undefined && this.#unbegun.has(token)
  }

  #tellMissed(ticks: readonly number[], sinceMs: number | undefined): void {
    const { onMissed } = this.#job.options
    try {
      for (const [index, ms] of ticks.entries()) {
        const since = index === 0 && sinceMs !== undefined ? [new Date(sinceMs)] : []
        onMissed?.(new Date(ms), ...since)
      }
    } catch (error) {
      this.#options.onError(error)
    }
  }

  /** Reports each tick of the future once. */
  #tellFuture(marker: Marker | undefined): void {
    const { client, name } = this.#job
    for (const span of futureSpans(marker, this.#asked)) {
      if (this.#told.has(span.tickMs)) continue
      this.#told.add(span.tickMs)
      this.#options.onError(wrongClock(name, span, client.clock.wallMs()))
    }
  }
}

/** The result of a tick that this host does not run. */
export function notRun(
  tick: Date,
  { reason, span }: Extract<Outcome, { reason: unknown }>,
): Extract<TickResult<never>, { ran: false }> {
  return { ran: false, tick, reason, last: span && recordOf(span), by: span?.by }
}

function notBegun(name: string, tickMs: number, cause: unknown): TickLostError {
  return new TickLostError(
    `${quoted(name)}: the tick of ${new Date(tickMs).toISOString()} did not run here, and may be on record as taken by ` +
      'this host, since the store did not answer; no other host runs it then',
    { tickMs, cause },
  )
}

function wrongClock(name: string, { tickMs, by }: Span, nowMs: number): ClockError {
  const iso = (ms: number): string => new Date(ms).toISOString()
  const when = by.since === undefined ? '' : ` when its clock said ${by.since}`
  return new ClockError(
    `${quoted(name)}: the tick of ${iso(tickMs)} is on record, taken by ${nameOf(by)}${when}, but the clock of ` +
      `this host says ${iso(nowMs)}; correct the clock that is wrong, and then forget the tick ` +
      `with "leasehold cron NAME --reset" or guard.reset()`,
  )
}

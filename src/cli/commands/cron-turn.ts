// One host's part in one tick, on the command line. Owns the words about ticks and the exit status; under-hold.ts runs
// the command.
import type { CronGuard, CronJob, TickRecord, TickResult } from '../../api/cron.ts'
import type { Hold } from '../../api/hold.ts'
import { ClockError, HoldLostError, UnavailableError } from '../../base/errors.ts'
import { printable } from '../../base/printable.ts'
import { nameOf } from '../../core/holder.ts'
import type { Visit } from '../client.ts'
import { exitStatus, messageOf, say } from '../exit.ts'
import type { Assignment, HoldOptions } from '../options.ts'
import { refuseNested } from '../process/nesting.ts'
import type { Verdict } from '../process/overseer.ts'
import { runUnderHold } from '../process/under-hold.ts'
import { Progress } from '../progress.ts'

/** The options of the command line, parsed. */
export interface CronOptions extends HoldOptions {
  readonly schedule?: string
  readonly tz?: string
  readonly retry?: boolean
  readonly catchUp?: boolean
  readonly ahead?: number
  readonly giveUp?: number
  readonly now?: boolean
  readonly dryRun?: boolean
  readonly reset?: boolean
  readonly verbose?: boolean
}

/** The tick of this command, and its times, fixed when the command line was read. */
export interface CronPlan {
  readonly tickMs: number
  readonly nowMs: number
  /** The time until the next tick. */
  readonly leftMs: number
  /** How long to try while the store is out of reach. */
  readonly giveUpMs: number
}

type Outcome = Extract<TickResult<unknown>, { ran: false }>

/** One tick on this host: its facts, the job to run at it, and the messages about it. */
export class CronTurn {
  readonly #name: string
  readonly #assignment: Assignment
  readonly #options: CronOptions
  readonly #say: (message: string) => void
  #verdict: Verdict | undefined
  #isClockWrong = false

  constructor(assignment: Assignment, options: CronOptions, tell: (message: string) => void = say) {
    this.#name = assignment.name
    this.#assignment = assignment
    this.#options = options
    this.#say = (message) => options.quiet || tell(message)
  }

  /** Says that the tick is too far ahead, and returns the exit status. */
  tellEarly({ tickMs, nowMs }: CronPlan): number {
    const tick = new Date(tickMs).toISOString()
    this.#say(
      `the next tick is that of ${tick}, in ${inWords(tickMs - nowMs)}: too early to take it, and nothing was run; ` +
        '--now runs the command without taking a tick',
    )
    return exitStatus.early
  }

  /** Says what `take` would do, and resolves with the exit status. */
  async preview(visit: Visit, plan: CronPlan): Promise<number> {
    const { tick, verdict, last, missed } = await this.#guard(visit).preview()
    const latest = last
      ? `the last tick on record is that of ${last.tick.toISOString()}, which ${stateOf(last)}`
      : 'no tick is on record'
    if (verdict === 'early') return this.tellEarly(plan)
    if (verdict !== 'run') this.#say(whyNot({ ran: false, tick, reason: verdict, last, by: last?.by }))
    else {
      const late = this.#options.catchUp ? 'would run late' : 'would be reported as run by no host'
      if (missed.length > 0) this.#say(`${missed.length} ticks since ${missed[0]?.toISOString()} ${late}`)
      this.#say(`the tick of ${tick.toISOString()} would run here, now; ${latest}`)
    }
    return 0
  }

  /** Forgets ticks of the future, says which, and resolves with the exit status. */
  async reset(visit: Visit): Promise<number> {
    const guard = this.#guard(visit)
    const forgotten = await guard.reset({ signal: visit.signals.interrupted })
    for (const record of forgotten)
      this.#say(`forgot the tick of ${record.tick.toISOString()}, which ${stateOf(record)}`)
    const last = await guard.readLast()
    this.#say(
      last
        ? `the last tick is that of ${last.tick.toISOString()}, which ${stateOf(last)}`
        : 'no tick is on record',
    )
    return 0
  }

  /** Takes the tick, and resolves with the exit status: that of the command, or 0 if another host has the tick. */
  async take(visit: Visit, plan: CronPlan): Promise<number> {
    await refuseNested(visit.client, { name: this.#name, permits: 1 })
    const progress = new Progress({ ...visit, name: this.#name, quiet: this.#options.quiet })
    const job = (hold: Hold, tick: Date): Promise<Verdict> => {
      progress.clear()
      return this.#run(visit, hold, tick)
    }
    try {
      return await this.#begin(visit, plan, job, progress)
    } catch (error) {
      if (error instanceof HoldLostError && this.#verdict) return this.#verdict.status // the overseer has reported it
      throw error
    } finally {
      progress.clear()
    }
  }

  async #begin(
    visit: Visit,
    { tickMs, leftMs, giveUpMs }: CronPlan,
    job: CronJob<Verdict>,
    { onWait }: Progress,
  ): Promise<number> {
    // The overseer decides when the command is killed, so the grace here has no end.
    const options = { signal: visit.signals.interrupted, graceMs: Number.MAX_SAFE_INTEGER, onWait }
    if (this.#options.now) return (await this.#guard(visit).runNow(job, options)).status
    const onError = (error: unknown): void => this.#tell(error)
    const tick = { tick: new Date(tickMs), waitMs: leftMs, giveUpMs, onError }
    const result = await this.#guard(visit).run(job, { ...options, ...tick })
    if (!result.ran) this.#tellWhyNot(result)
    return (result.ran && result.value.status) || (this.#isClockWrong ? exitStatus.clock : 0)
  }

  #guard({ client }: Visit): CronGuard {
    const { schedule, tz: timezone, retry, catchUp, ahead: aheadMs } = this.#options
    const onMissed = (tick: Date, since?: Date): void => {
      if (since)
        this.#say(`ticks since that of ${since.toISOString()} were run by nobody; these are the latest:`)
      this.#say(`the tick of ${tick.toISOString()} was run by nobody`)
    }
    return client.cron(this.#name, { schedule, timezone, retry, catchUp, aheadMs, onMissed })
  }

  async #run(visit: Visit, hold: Hold, tick: Date): Promise<Verdict> {
    const env = this.#options.now ? {} : { LEASEHOLD_TICK: tick.toISOString() }
    const { grace: graceMs, stripEnv } = this.#options
    this.#verdict = await runUnderHold({ ...visit, ...this.#assignment, hold, graceMs, stripEnv, env, say })
    return this.#verdict
  }

  #tell(error: unknown): void {
    this.#isClockWrong ||= error instanceof ClockError
    const goesOn = error instanceof UnavailableError || error instanceof HoldLostError
    this.#say(goesOn ? `${messageOf(error)}; it tries again` : messageOf(error))
  }

  /** Hosts that do not run the tick are quiet unless a person looks: cron would send their messages as mail. */
  #tellWhyNot(outcome: Outcome): void {
    if (this.#options.verbose || process.stderr.isTTY) this.#say(whyNot(outcome))
  }
}

function whyNot({ tick, reason, last }: Outcome): string {
  const asked = `the tick of ${tick.toISOString()}`
  if (!last || reason === 'busy')
    return `${asked} was not run here: the lock was not free until the next tick`
  if (reason === 'taken') return `${asked} ${stateOf(last)}`
  return `${asked} is over: that of ${last.tick.toISOString()} ${stateOf(last)}`
}

/** The state of a tick on record, in the right tense: a job without an end may still run, or its host may have died. */
function stateOf({ by, done, ended }: TickRecord): string {
  const who = printable(nameOf(by))
  const begun = by.since === undefined ? '' : ` at ${printable(by.since)}`
  if (!done) return `was begun${begun} by ${who}, and has not ended`
  return `was run${begun} by ${who}${ended ? `, until ${ended.toISOString()}` : ''}`
}

function inWords(ms: number): string {
  const units = [
    ['days', 86_400_000],
    ['hours', 3_600_000],
    ['minutes', 60_000],
  ] as const
  const [unit, unitMs] = units.find(([, each]) => ms >= 2 * each) ?? ['seconds', 1_000]
  return `${Math.round(ms / unitMs)} ${unit}`
}

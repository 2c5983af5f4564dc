// `leasehold cron`: a line of a crontab that many hosts share and one of them runs. Owns its options and its exit status;
// which host runs a tick is the library's to settle, the command is under-hold's.
import { type Command, Option } from 'commander'
import type { TickResult } from '../../api/cron.ts'
import type { Hold } from '../../api/hold.ts'
import { systemClock } from '../../base/clock.ts'
import { HoldLostError } from '../../base/errors.ts'
import { nameOf } from '../../core/holder.ts'
import { checkTimezone, Schedule } from '../../cron/schedule.ts'
import { type Visit, withClient } from '../client.ts'
import { say } from '../exit.ts'
import { type Assignment, type HoldOptions, parsed, takesCommand } from '../options.ts'
import { refuseNested } from '../process/nesting.ts'
import type { Verdict } from '../process/overseer.ts'
import { runUnderHold } from '../process/under-hold.ts'
import { Progress } from '../progress.ts'

/** What the options say, parsed. */
interface CronOptions extends HoldOptions {
  readonly schedule: string
  readonly tz?: string
  readonly retry?: boolean
  readonly catchUp?: boolean
}

/** Adds the subcommand to the program. */
export function addCron(program: Command): void {
  const subcommand = program
    .command('cron')
    .summary('run a command once per tick over all hosts')
    .description(description)
    .argument('<NAME>', 'the cron job: 1 to 512 bytes of UTF-8, the same on all hosts')
    .addOption(scheduleOption())
    .option('--tz <zone>', 'the time zone of the schedule (default: that of this machine)', toTimezone)
    .option('--retry', 'run a tick again whose host died half-way; the other hosts wait until it is done')
    .option('--catch-up', 'run late, one after the other, what no host ran since the last tick')
  takesCommand(subcommand, cron).addHelpText('after', help)
}

function scheduleOption(): Option {
  const option = new Option('--schedule <expr>', 'when it is due, as the crontab says')
  return option.makeOptionMandatory().argParser(toSchedule)
}

/** Refused here, before anything is asked of a store. */
function toSchedule(text: string): string {
  return parsed(() => new Schedule(text, undefined).expression)
}

function toTimezone(text: string): string {
  return parsed(() => {
    checkTimezone(text)
    return text
  })
}

async function cron(assignment: Assignment, options: CronOptions): Promise<void> {
  const { name, post } = assignment
  const { schedule, tz: timezone, retry, catchUp } = options
  // Which tick it is counts from the start, and not from the answer of the store.
  const nowMs = systemClock().wallMs()
  const plan = new Schedule(schedule, timezone)
  const tickMs = plan.nearest(nowMs) ?? nowMs
  const nextMs = plan.next(Math.max(tickMs, nowMs))
  const startMs = nextMs && Math.max(1, nextMs - nowMs)
  const work = async (visit: Visit): Promise<number> => {
    await refuseNested(visit.client, { name, permits: 1 })
    const turn = new Turn(visit, assignment, options)
    return turn.take({ schedule, timezone, retry, catchUp }, new Date(tickMs))
  }
  await withClient({ ...options, startMs }, work, post.inherited.ignored)
}

/** One host's part in one tick. */
class Turn {
  readonly #visit: Visit
  readonly #name: string
  readonly #assignment: Assignment
  readonly #options: CronOptions
  readonly #progress: Progress
  #verdict: Verdict | undefined

  constructor(visit: Visit, assignment: Assignment, options: CronOptions) {
    this.#visit = visit
    this.#name = assignment.name
    this.#assignment = assignment
    this.#options = options
    this.#progress = new Progress({ ...visit, name: this.#name, quiet: options.quiet })
  }

  /** Resolves with the exit status: that of the command, or 0 where another host has the tick. */
  async take(options: Parameters<Visit['client']['cron']>[1], tick: Date): Promise<number> {
    const { client, signals } = this.#visit
    const onMissed = (tick: Date): void => this.#say(`the tick of ${tick.toISOString()} was run by nobody`)
    const guard = client.cron(this.#name, { ...options, onMissed })
    try {
      const result = await guard.run((hold, tick) => this.#run(hold, tick), {
        tick,
        signal: signals.interrupted,
        graceMs: Number.MAX_SAFE_INTEGER, // when the command is killed, the overseer says
        onWait: this.#progress.onWait,
      })
      if (result.ran) return result.value.status
      this.#tellWho(result)
      return 0
    } catch (error) {
      if (error instanceof HoldLostError && this.#verdict) return this.#verdict.status // the overseer has told it
      throw error
    } finally {
      this.#progress.clear()
    }
  }

  async #run(hold: Hold, tick: Date): Promise<Verdict> {
    this.#progress.clear()
    const env = { LEASEHOLD_TICK: tick.toISOString() }
    const { grace: graceMs, stripEnv } = this.#options
    const job = { ...this.#visit, ...this.#assignment, hold, graceMs, stripEnv, env, say }
    this.#verdict = await runUnderHold(job)
    return this.#verdict
  }

  #tellWho({ tick, by }: Exclude<TickResult<unknown>, { ran: true }>): void {
    const who = by ? nameOf(by) : 'another host'
    this.#say(`the tick of ${tick.toISOString()} is run by ${who}`)
  }

  #say(message: string): void {
    if (!this.#options.quiet) this.#progress.say(message)
  }
}

const description = `Runs the command if this host is the one for the present tick of the schedule. Put the same line into \
the crontab of every host: each tick runs at most once over all of them, as long as their clocks differ by less than half \
the interval.`

const help = `
Times are numbers with a unit: 500ms, 30s, 5m, 1h.

A line of a crontab, the same on ten hosts:
  0 3 * * * leasehold cron nightly --schedule '0 3 * * *' -- ./nightly.sh

Further examples:
  $ leasehold cron report --schedule '*/5 * * * *' --retry -- ./report.sh
  $ leasehold cron invoices --schedule '0 9 1 * *' --tz Europe/Berlin --catch-up -- ./invoices.sh

The tick is the scheduled time next to the present, so that it does not matter how late cron is by some seconds.
While the tick's host has the lock but has not yet begun, the others wait; no longer than until the next tick.

The command gets these variables:
  LEASEHOLD_NAME   the name of the cron job
  LEASEHOLD_TICK   the scheduled time, as in 2026-03-29T03:00:00.000Z
  LEASEHOLD_TOKEN  the fencing token, which grows with every run
  LEASEHOLD_URL    the store, without secrets
  LEASEHOLD_HOLDS  all holds above the command, as JSON
Beside them it gets the environment, the open descriptors and the terminal of
leasehold, but for the variables that --strip-env names.

Exit status: that of the command, 128+n if signal n ended it or the wait, or
  0    another host runs the tick, or ran it; stderr says which
  64   wrong usage, or NAME is in use for something else
  69   the store is unavailable until the next tick is due, or refused the
       credentials
  70   the lock was lost while the command ran
  126  the command cannot be executed
  127  the command was not found`

// `leasehold cron`: a line of a crontab that many hosts share and one of them runs. Owns its options and its help.
// cron-turn.ts runs a tick and reports it; the library decides which host runs it.
import { type Command, Option } from 'commander'
import { systemClock } from '../../base/clock.ts'
import { Scope } from '../../base/scope.ts'
import { connect } from '../../connect.ts'
import { outlast } from '../../cron/outlast.ts'
import { presentTick, untilNextMs } from '../../cron/present.ts'
import { checkTimezone, Schedule } from '../../cron/schedule.ts'
import { type Open, withClient } from '../client.ts'
import { messageOf, say } from '../exit.ts'
import { type Assignment, parsed, takesCommand, toMs } from '../options.ts'
import type { Guardians } from '../process/guardians.ts'
import { type CronOptions, type CronPlan, CronTurn } from './cron-turn.ts'

/** Adds the subcommand to the program. `guardians` supplies that of the command. */
export function addCron(program: Command, guardians: Guardians): void {
  const subcommand = program
    .command('cron')
    .summary('run a command once per tick over all hosts')
    .description(description)
    .argument('<NAME>', 'the cron job: 1 to 512 bytes of UTF-8, the same on all hosts')
    .option('--schedule <expr>', 'when it is due, as the crontab says', toSchedule)
    .option('--tz <zone>', 'the time zone of the schedule (default: that of this machine)', toTimezone)
    .option('--retry', 'run a tick again whose host died half-way; the other hosts wait until it is done')
    .option('--catch-up', 'run the ticks late that no host ran since the last one, one by one')
    .option('--ahead <time>', 'how early a tick may be taken (default: 1m, at most half the interval)', toMs)
    .option('--give-up <time>', 'how long to try without the store (default: until the next tick)', toMs)
    .addOption(new Option('--now', 'run the command once under the lock now, and take no tick'))
    .addOption(new Option('--dry-run', 'say what would happen now, and run nothing').conflicts('now'))
    .addOption(
      new Option('--reset', 'forget the ticks of the future that a wrong clock left').conflicts([
        'now',
        'dryRun',
      ]),
    )
    .addOption(
      new Option('--verbose', 'say which host runs the tick; on a terminal always').conflicts('quiet'),
    )
  takesCommand(subcommand, guardians, cron, { optional: true }).addHelpText('after', help)
}

/** Checks the schedule before any request to a store. */
function toSchedule(text: string): string {
  return parsed(() => {
    if (/^[\d*,/-]{1,9}$/.test(text))
      throw new RangeError("it takes the whole expression in one pair of quotes, such as '0 3 * * *'")
    return new Schedule(text, undefined).expression
  })
}

function toTimezone(text: string): string {
  return parsed(() => {
    checkTimezone(text)
    return text
  })
}

const form = "usage: leasehold cron NAME --schedule '0 3 * * *' [options] -- CMD [ARG...]"

async function cron(assignment: Assignment, options: CronOptions): Promise<void> {
  const { command, guardians } = assignment
  const { ignored } = guardians.inherited
  const turn = new CronTurn(assignment, options)
  if (options.reset) {
    if (command.length > 0) throw new TypeError('--reset runs no command')
    return withClient(options, (visit) => turn.reset(visit))
  }
  if (options.schedule === undefined)
    throw new TypeError(`required option '--schedule <expr>' not specified; ${form}`)
  if (command.length === 0 && !options.dryRun) throw new TypeError(`missing required argument 'CMD'; ${form}`)
  const plan = planOf(new Schedule(options.schedule, options.tz), options)
  if (options.dryRun) return withClient(options, (visit) => turn.preview(visit, plan))
  if (plan.early && !options.now) process.exitCode = turn.tellEarly(plan)
  else await withClient(options, (visit) => turn.take(visit, plan), ignored, opener(options, plan.giveUpMs))
}

/** Fixes the tick when cron starts this process: a later outage of the store does not change it. */
function planOf(
  schedule: Schedule,
  { ahead, giveUp, now }: CronOptions,
): CronPlan & { readonly early: boolean } {
  const nowMs = systemClock().wallMs()
  const { tickMs, early } = presentTick(schedule, nowMs, ahead)
  const leftMs = untilNextMs(schedule, tickMs, nowMs) ?? 0
  return { tickMs, early, nowMs, leftMs, giveUpMs: giveUp ?? (now ? 0 : leftMs) }
}

/** Connects through an outage of the store, for `forMs`, so that the tick is not lost. */
function opener({ url, ttl, quiet }: CronOptions, forMs: number): Open {
  return async (clock, interrupted) => {
    const scope = new Scope().onSignal(interrupted)
    const onOutage = (error: unknown): void => {
      if (!quiet) say(`${messageOf(error)}; it tries again`)
    }
    const open = () => connect(url, { ttlMs: ttl, clock })
    return outlast(open, { clock, scope, forMs, onOutage }).finally(() => scope.detach())
  }
}

const description = `Runs the command if this host is the one for the present tick of the schedule. Put the same line into \
the crontab of every host: each tick runs at most once over all of them, as long as their clocks differ by less than half \
the interval.`

const help = `
Times are numbers with a unit: 500ms, 30s, 5m, 1h.

A line of a crontab, the same on ten hosts; the folders are those of node and leasehold:
  PATH=/usr/local/bin:/usr/bin:/bin
  0 3 * * * leasehold cron nightly --schedule '0 3 * * *' -- ./nightly.sh

Further examples:
  $ leasehold cron report --schedule '*/5 * * * *' --retry -- ./report.sh
  $ leasehold cron invoices --schedule '0 9 1 * *' --tz Europe/Berlin --catch-up -- ./invoices.sh
  $ leasehold cron nightly --schedule '0 3 * * *' --dry-run
  $ leasehold cron nightly --schedule '0 3 * * *' --now -- ./nightly.sh
  $ leasehold cron nightly --reset

The tick is the scheduled time nearest to the present, so cron may be late by some seconds. A tick that is more than a
minute ahead is not taken: nothing runs, and the exit status is 4. While the tick's host has the lock but
has not yet begun, and while the store is out of reach, the others wait; no longer than until the next tick.

A host that does not run the tick says nothing, unless stderr is a terminal or --verbose is given.

The command gets these variables:
  LEASEHOLD_NAME   the name of the cron job
  LEASEHOLD_TICK   the scheduled time, as in 2026-03-29T03:00:00.000Z; with --now there is none
  LEASEHOLD_TOKEN  the fencing token, which grows with every run
  LEASEHOLD_URL    the store, without secrets
  LEASEHOLD_HOLDS  all holds above the command, as JSON
It also gets the environment, the open descriptors and the terminal of leasehold,
without the variables that --strip-env names.

Exit status: that of the command, 128+n if signal n ended it or the wait, or
  0    another host runs the tick, or ran it; --dry-run and --reset: all is well
  4    it is too early for the next tick, and nothing was run
  64   wrong usage, or NAME is in use for something else
  69   the store is unavailable until the next tick is due, or refused the
       credentials
  70   the lock was lost while the command ran
  78   a clock is wrong: a tick of the future is on record; the command, if it ran here, succeeded
  126  the command cannot be executed
  127  the command was not found`

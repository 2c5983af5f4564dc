// `leasehold run`: a command under a lock. Owns its options and how the lock is acquired. under-hold.ts runs the
// command; cli/client.ts reaches the store.
import { type Command, Option } from 'commander'
import type { Hold } from '../../api/hold.ts'
import type { Leasehold } from '../../api/leasehold.ts'
import type { Lock } from '../../api/lock.ts'
import { sharedPermits } from '../../base/shapes.ts'
import { checkPermits } from '../../core/arguments.ts'
import { checkRelease } from '../../core/keeping.ts'
import { type Visit, withClient } from '../client.ts'
import { say } from '../exit.ts'
import { type Assignment, type HoldOptions, parsed, takesCommand, toMs } from '../options.ts'
import type { Guardians } from '../process/guardians.ts'
import { refuseNested } from '../process/nesting.ts'
import { runUnderHold } from '../process/under-hold.ts'
import { Progress } from '../progress.ts'

/** The parsed options. */
interface RunOptions extends HoldOptions {
  readonly permits?: number
  readonly shared?: boolean
  readonly exclusive?: boolean
  readonly try?: boolean
  readonly wait?: number | undefined
  readonly keep?: number | undefined
}

/** Adds the subcommand to the program. `guardians` supplies that of the command. */
export function addRun(program: Command, guardians: Guardians): void {
  const subcommand = program
    .command('run')
    .summary('run a command while holding a lock')
    .description(description)
    .argument('<NAME>', 'the lock: 1 to 512 bytes of UTF-8, the same wherever it must exclude')
    .option(
      '--permits <n>',
      'let n hold at a time instead of one; all users of NAME say the same n',
      toPermits,
    )
    .addOption(sharedOption())
    .addOption(new Option('--exclusive', 'hold NAME as its writer, alone').conflicts('permits'))
    .addOption(new Option('--try', 'do not wait: exit 75 if the lock is not free').conflicts('wait'))
    .option(
      '--wait <time>',
      'wait no longer than this, also for a store that is not up yet (default: without end)',
      toMs,
    )
    .option('--keep <time>', 'let NAME stay taken for this long after the command: a cool-down', toMs)
  takesCommand(subcommand, guardians, run).addHelpText('after', help)
}

function sharedOption(): Option {
  const about = 'hold NAME as a reader, together with other readers; its writers use --exclusive'
  return new Option('--shared', about).conflicts(['exclusive', 'permits'])
}

async function run(assignment: Assignment, options: RunOptions): Promise<void> {
  const { name, guardians } = assignment
  const { stripEnv, grace: graceMs, keep } = options
  const work = async (visit: Visit): Promise<number> => {
    checkRelease({ afterMs: keep }, visit.client.facts) // before the command runs, not hours later
    await refuseNested(visit.client, { name, ...sizeOf(options) })
    // `--wait` limits both together: the wait for the store, and the wait for the lock.
    const wait = options.wait && Math.max(1, options.wait - visit.lateMs)
    const hold = await acquire(visit, name, { ...options, wait })
    const { status } = await runUnderHold({ ...visit, ...assignment, hold, graceMs, stripEnv, say })
    // Also after a command that failed: it may have done a part of its work. After a loss the name is not ours to keep.
    if (keep !== undefined && hold.held) await hold.release({ afterMs: keep })
    return status
  }
  // Most locks are free: then the guardian starts while the store is connected, and the command waits for neither.
  if (!options.try) guardians.standBy()
  await withClient({ ...options, startMs: options.wait }, work, guardians.inherited.ignored)
}

async function acquire(visit: Visit, name: string, options: RunOptions): Promise<Hold> {
  const { client, signals } = visit
  const { wait, quiet } = options
  const lock = lockOf(client, name, options)
  const progress = new Progress({ ...visit, name, quiet })
  const { onWait } = progress
  try {
    return await lock.acquire({ waitMs: options.try ? 0 : wait, signal: signals.interrupted, onWait })
  } finally {
    progress.clear()
  }
}

function lockOf(client: Leasehold, name: string, { permits, shared, exclusive }: RunOptions): Lock {
  if (shared) return client.rwlock(name).read
  if (exclusive) return client.rwlock(name).write
  return permits === undefined ? client.mutex(name) : client.semaphore(name, { permits })
}

/** The size of NAME, and how much of it the command takes. */
function sizeOf({ permits = 1, shared, exclusive }: RunOptions): { permits: number; weight: number } {
  if (shared) return { permits: sharedPermits, weight: 1 }
  return exclusive ? { permits: sharedPermits, weight: sharedPermits } : { permits, weight: 1 }
}

function toPermits(text: string): number {
  return parsed(() => {
    const permits = Number(text)
    if (Number.isNaN(permits)) throw new RangeError('it takes a whole number')
    checkPermits(permits)
    return permits
  })
}

const description = `Waits until the lock NAME is free, runs the command while holding it, and releases it. \
If the lock is lost meanwhile, the command and all that it started are stopped before anybody else can hold the lock, \
also when leasehold itself is stopped, hangs or is killed.`

const help = `
Times are numbers with a unit: 500ms, 30s, 5m, 1h.

Examples:
  $ leasehold run nightly-report -- ./report.sh
  $ leasehold run backup --try -- sh -c 'pg_dump shop | gzip > shop.gz'
  $ leasehold run gpu --permits 4 --wait 10m -- python train.py
  $ leasehold run catalog --shared -- ./search.sh
  $ leasehold run catalog --exclusive -- ./rebuild.sh
  $ leasehold run hourly --try --keep 1h -- ./at-most-once-an-hour.sh
  $ leasehold run deploy --url etcd://10.0.0.1:2379/prod/ -- make deploy
  $ leasehold run report --url consul:///prod/ -- ./report.sh

The command gets these variables:
  LEASEHOLD_NAME   the name of the lock
  LEASEHOLD_TOKEN  the fencing token, which grows with every holder: let the
                   resource that the command writes to refuse a smaller one
  LEASEHOLD_URL    the store, without secrets
  LEASEHOLD_HOLDS  all holds above the command, as JSON
It also gets the environment, the open descriptors and the terminal of leasehold,
without the variables that --strip-env names.

Signals sent to leasehold are passed on to the command and all that it started.
Processes that the command leaves running when it exits are stopped before the
lock is released. Only a process with a session of its own is out of reach.

Exit status: that of the command, 128+n if signal n ended it, or
  64   wrong usage, NAME is in use in another form, or leasehold runs under
       NAME already and would wait for itself
  69   the store is unavailable (without --wait for 5 s, with it for all that
       time), or refused the credentials
  70   the lock was lost while the command ran
  75   the lock was not free in time
  126  the command cannot be executed
  127  the command was not found`

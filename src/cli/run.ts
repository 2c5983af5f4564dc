// `leasehold run`: a command under a lock. Owns its options and the way from them to an exit status; the
// process is child's, its end overseer's, the lock the library's.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { checkName, checkPermits } from '../arguments.ts'
import { type Clock, systemClock } from '../clock.ts'
import { connect, type Leasehold } from '../connect.ts'
import { WaitTimeoutError } from '../errors.ts'
import type { Hold } from '../hold.ts'
import { Limits, orAborted } from '../limits.ts'
import { type ChildGroup, startGroup } from './child.ts'
import { parseDuration } from './duration.ts'
import { exitStatus, Interrupted, messageOf, say, statusOf } from './exit.ts'
import { Guardian } from './guardian.ts'
import { graceOnLossMs, Overseer } from './overseer.ts'
import { Signals } from './signals.ts'

/** How long closing may take once there is a reason to hurry: then the store frees the lock by itself. */
const hurriedCloseMs = 2_000

/** What the options say, parsed. */
interface RunOptions {
  readonly permits?: number
  readonly try?: boolean
  readonly wait?: number
  readonly ttl?: number
  readonly grace: number
  readonly url?: string
  readonly quiet?: boolean
}

/** Adds the subcommand to the program. */
export function addRun(program: Command): void {
  program
    .command('run')
    .summary('run a command while holding a lock')
    .description(description)
    .usage('NAME [options] -- CMD [ARG...]')
    .argument('<NAME>', 'the lock: 1 to 512 bytes of UTF-8, the same wherever it must exclude')
    .argument('<CMD...>', 'the command and its arguments, after --; no shell reads them')
    .option(
      '--permits <n>',
      'let n hold at a time instead of one; all who use NAME say the same n',
      toPermits,
    )
    .addOption(new Option('--try', 'do not wait: exit 75 if the lock is not free').conflicts('wait'))
    .option('--wait <time>', 'wait no longer than this, then exit 75 (default: wait without end)', toMs)
    .addOption(ttlOption())
    .addOption(graceOption())
    .option('--url <url>', 'the store (default: $LEASEHOLD_URL, else file:)')
    .option('--quiet', 'do not say that the lock was not free')
    .addHelpText('after', help)
    .action(async (name: string, command: string[], options: RunOptions, self: Command) => {
      if (!followsDashes(command)) self.error('error: put -- between the options and the command')
      await run(name, command, options)
    })
}

function ttlOption(): Option {
  const about = 'time to live: how soon others get the lock when this machine dies'
  // Which store it is, and so which default, is known only when the store has loaded.
  return new Option('--ttl <time>', `${about} (default: the store's, 15s, on Consul 30s)`).argParser(toMs)
}

function graceOption(): Option {
  const about = 'time between SIGTERM and SIGKILL when the command has to stop'
  return new Option('--grace <time>', about).default(10_000, '10s').argParser(toMs)
}

/** Without this, `run -- ls -l` would run `-l` under the lock `ls`. */
function followsDashes(command: readonly string[]): boolean {
  const dashes = process.argv.indexOf('--')
  return dashes >= 0 && process.argv.length - dashes - 1 === command.length
}

async function run(name: string, command: string[], options: RunOptions): Promise<void> {
  checkName(name)
  const clock = systemClock()
  const signals = new Signals()
  const connecting = connect(options.url, { ttlMs: options.ttl, clock })
  let hurry = signals.interrupted
  try {
    const client = await orAborted(connecting, signals.interrupted)
    const hold = await acquire(client, name, options, signals.interrupted)
    process.exitCode = await oversee({ client, hold, command, clock, signals, options })
    if (process.exitCode === exitStatus.lost) hurry = AbortSignal.abort()
  } catch (error) {
    process.exitCode = tell(error, options)
  }
  const closing = connecting.then((client) => client.close()).catch(() => {}) // a failure was told above
  const closed = await settled(closing, clock, hurry)
  // A store that falls silent may keep sockets busy long after they were closed; the exit shall not wait for
  // that.
  if (!closed || hurry.aborted) process.exit()
  signals.lift()
}

function acquire(client: Leasehold, name: string, options: RunOptions, signal: AbortSignal): Promise<Hold> {
  const { permits, wait } = options
  const lock = permits === undefined ? client.mutex(name) : client.semaphore(name, { permits })
  return lock.acquire({ waitMs: options.try ? 0 : wait, signal })
}

interface Job {
  readonly client: Leasehold
  readonly hold: Hold
  readonly command: readonly string[]
  readonly clock: Clock
  readonly signals: Signals
  readonly options: RunOptions
}

/** Runs the command to its end, and resolves with the exit status. */
async function oversee({ client, hold, command, clock, signals, options }: Job): Promise<number> {
  signals.interrupted.throwIfAborted()
  const onLossMs = graceOnLossMs(client.ttlMs, options.grace)
  // Where a crash frees the lock at once, nobody waits for the command to end in peace.
  const guardian = new Guardian(client.facts.freesOnCrash ? 0 : onLossMs)
  signals.prepare()
  try {
    const group = await startGroup(command, {
      LEASEHOLD_NAME: hold.name,
      LEASEHOLD_TOKEN: String(hold.token),
      LEASEHOLD_URL: client.url,
    })
    guardian.guard(group.pid)
    const graces = { graceMs: options.grace, graceOnLossMs: onLossMs }
    const overseer = new Overseer({ hold, group, guardian, clock, ...graces, say })
    signals.passTo((signal) => pass(signal, group, overseer))
    return await overseer.status()
  } finally {
    signals.stopPassing()
    guardian.dismiss()
  }
}

function pass(signal: NodeJS.Signals, group: ChildGroup, overseer: Overseer): void {
  if (signal === 'SIGCONT') overseer.look() // before the command goes on: the lock may be gone meanwhile
  if (signal === 'SIGTSTP') stopTogether(group)
  else group.signal(signal)
}

/**
 * Ctrl-Z: nobody renews while leasehold is stopped, so the command must not run on. A SIGTSTP would be
 * ignored by the kernel, since the group is in no terminal's session; SIGSTOP is not.
 */
function stopTogether(group: ChildGroup): void {
  group.signal('SIGSTOP')
  process.kill(process.pid, 'SIGSTOP')
}

function tell(error: unknown, { quiet }: RunOptions): number {
  const expected = error instanceof Interrupted || (quiet && error instanceof WaitTimeoutError)
  if (!expected) say(messageOf(error))
  return statusOf(error)
}

/** Whether `closing` settled: it may take its time, but not once there is a reason to hurry. */
async function settled(closing: Promise<void>, clock: Clock, hurry: AbortSignal): Promise<boolean> {
  const limits = new Limits()
  const start = (): void =>
    void limits.onTimeout(clock, hurriedCloseMs, () => new Error('not closed in time'))
  if (hurry.aborted) start()
  else hurry.addEventListener('abort', start, { once: true })
  try {
    await orAborted(closing, limits.signal)
    return true
  } catch {
    return false
  } finally {
    limits.lift()
  }
}

function toMs(text: string): number {
  return parsed(() => parseDuration(text))
}

function toPermits(text: string): number {
  return parsed(() => {
    const permits = Number(text)
    if (Number.isNaN(permits)) throw new RangeError('it takes a whole number')
    checkPermits(permits)
    return permits
  })
}

/** Commander puts the name and the value of the option before the message. */
function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message.replace(/^\w+: /, ''))
  }
}

const description = `Waits until the lock NAME is free, runs the command while holding it, and releases it. \
If the lock is lost meanwhile, the command and all it started in its process group are stopped before \
anybody else can hold the lock.`

const help = `
Times are numbers with a unit: 500ms, 30s, 5m, 1h.

Examples:
  $ leasehold run nightly-report -- ./report.sh
  $ leasehold run backup --try -- sh -c 'pg_dump shop | gzip > shop.gz'
  $ leasehold run gpu --permits 4 --wait 10m -- python train.py
  $ leasehold run deploy --url etcd://10.0.0.1:2379/prod/ -- make deploy
  $ leasehold run report --url consul:///prod/ -- ./report.sh

The command gets these variables:
  LEASEHOLD_NAME   the name of the lock
  LEASEHOLD_TOKEN  the fencing token, which grows with every holder: let what
                   the command writes to refuse a smaller one than it has seen
  LEASEHOLD_URL    the store, without secrets

Signals sent to leasehold are passed on to the process group of the command.
What the command leaves running in its group when it exits is stopped before
the lock is released.

Exit status: that of the command, 128+n if signal n ended it, or
  64   wrong usage, or NAME is in use with other permits
  69   the store is unavailable, or refused the credentials
  70   the lock was lost while the command ran
  75   the lock was not free in time
  126  the command cannot be executed
  127  the command was not found`

// A subcommand's way to the store and back: connects, lets it work, closes. Owns the exit status, the messages of
// errors, and that neither a signal nor a silent store keeps leasehold from exiting.
import type { Leasehold } from '../api/leasehold.ts'
import { orAborted } from '../base/abort.ts'
import { type Clock, leastElapsedMs, systemClock } from '../base/clock.ts'
import { UnavailableError, WaitTimeoutError } from '../base/errors.ts'
import { Scope } from '../base/scope.ts'
import { connect } from '../connect.ts'
import { exitStatus, Interrupted, messageOf, say, statusOf, UnreadError } from './exit.ts'
import { Signals } from './process/signals.ts'

/** How long closing may take once there is a reason to hurry: then the store frees the lock by itself. */
const hurriedCloseMs = 2_000

/** After how long a store that does not answer at the start is first spoken of. */
const reportMs = 3_000

/** The means of a subcommand. */
export interface Visit {
  readonly client: Leasehold
  readonly clock: Clock
  /** It has them all until it ends: `interrupted` aborts when one asks it to. */
  readonly signals: Signals
  /** How long the store did not answer at the start, in ms; 0 where the first try succeeded. */
  readonly lateMs: number
}

/** Which store, and how much to tell. */
export interface VisitOptions {
  readonly url?: string
  readonly ttl?: number
  readonly quiet?: boolean
  /**
   * How long to go on while the store does not answer at the start, in ms, in tries of 3 s. Default: as long as `connect`
   * does by itself.
   */
  readonly startMs?: number | undefined
}

/** How a subcommand comes to its client. `interrupted` aborts when a signal asks leasehold to end. */
export type Open = (clock: Clock, interrupted: AbortSignal) => Promise<Leasehold>

/**
 * Connects, works and closes. The exit status is what `work` resolves with, or that of the error with which it or the
 * connecting fails, which is told on stderr. Signals that are `ignored` have no effect.
 */
export async function withClient(
  options: VisitOptions,
  work: (visit: Visit) => Promise<number>,
  ignored: readonly NodeJS.Signals[] = [],
  open?: Open,
): Promise<void> {
  const clock = systemClock()
  const signals = new Signals(ignored)
  const connecting = open
    ? open(clock, signals.interrupted).then((client) => ({ client, clock, signals, lateMs: 0 }))
    : reach(options, signals, clock)
  let hurry = signals.interrupted
  try {
    process.exitCode = await work(await orAborted(connecting, signals.interrupted))
    if (process.exitCode === exitStatus.lost) hurry = AbortSignal.abort()
  } catch (error) {
    process.exitCode = tell(error, options)
  }
  const closing = connecting.then(({ client }) => client.close()).catch(() => {}) // a failure was told above
  const closed = await settled(closing, clock, hurry)
  // A silent store may keep sockets busy long after they were closed: the exit does not wait for them.
  if (!closed || hurry.aborted) process.exit()
  signals.lift()
}

/** Connects, again and again for `startMs`, and says what it waits for, once for each reason in a row. */
async function reach(options: VisitOptions, signals: Signals, clock: Clock): Promise<Visit> {
  const { url, ttl: ttlMs, startMs } = options
  const since = clock.mark()
  const waitMs = startMs === undefined ? undefined : reportMs
  for (let told = '', lateMs = 0; ; ) {
    try {
      const client = await connect(url, { ttlMs, clock, signal: signals.interrupted, waitMs })
      return { client, clock, signals, lateMs }
    } catch (error) {
      lateMs = leastElapsedMs(since, clock.mark())
      if (lateMs >= (startMs ?? 0) || !(error instanceof UnavailableError)) throw error
      const message = messageOf(error)
      if (!options.quiet && message !== told) say(`${message}; it tries again`)
      told = message
    }
  }
}

function tell(error: unknown, { quiet }: VisitOptions): number {
  const expected =
    error instanceof Interrupted ||
    error instanceof UnreadError ||
    (quiet && error instanceof WaitTimeoutError)
  if (!expected) say(messageOf(error))
  return statusOf(error)
}

/** Whether `closing` settled: it may take its time, but not once there is a reason to hurry. */
async function settled(closing: Promise<void>, clock: Clock, hurry: AbortSignal): Promise<boolean> {
  const late = (): Error => new Error('not closed in time')
  const scope = new Scope().onTimeoutAfter(hurry, clock, hurriedCloseMs, late)
  try {
    await orAborted(closing, scope.signal)
    return true
  } catch {
    return false
  } finally {
    scope.lift()
  }
}

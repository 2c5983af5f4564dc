// Connects a subcommand to its store, runs it and closes. Owns the exit status, the messages of errors, and that
// leasehold always exits, even if a signal comes or the store is silent.
import type { Leasehold } from '../api/leasehold.ts'
import { orAborted } from '../base/abort.ts'
import { type Clock, leastElapsedMs, systemClock } from '../base/clock.ts'
import { UnavailableError, WaitTimeoutError } from '../base/errors.ts'
import { Scope } from '../base/scope.ts'
import { connect, connectToRead } from '../connect.ts'
import { exitStatus, Interrupted, messageOf, say, statusOf, UnreadError } from './exit.ts'
import { Signals } from './process/signals.ts'

/** How long closing may take after a signal or a loss. Without it the store frees the lock by itself, later. */
const hurriedCloseMs = 2_000

/** How long a store may be silent at the start until stderr says so. */
const reportMs = 3_000

/** The parts that a subcommand works with. */
export interface Visit {
  readonly client: Leasehold
  readonly clock: Clock
  /** The subcommand gets all signals until it ends. `interrupted` aborts when one asks it to end. */
  readonly signals: Signals
  /** How long the store did not answer at the start, in ms; 0 if the first try succeeded. */
  readonly lateMs: number
}

/** The store, and how much to say on stderr. */
export interface VisitOptions {
  readonly url?: string
  readonly ttl?: number
  readonly quiet?: boolean
  /**
   * How long to try on in ms if the store does not answer at the start; each try has 3 s. The default is that of
   * `connect`.
   */
  readonly startMs?: number | undefined
  /** Whether credentials are enough that may only read. */
  readonly readsOnly?: boolean
  /** A signal after which the exit status is 0 if no command ran. */
  readonly endsWell?: NodeJS.Signals
}

/** Makes the client of a subcommand. `interrupted` aborts when a signal asks leasehold to end. */
export type Open = (clock: Clock, interrupted: AbortSignal) => Promise<Leasehold>

/**
 * Connects, works and closes. `work` resolves with the exit status. If `work` or the connecting fails, the exit status
 * is that of the error, and stderr gets its message. Signals that are `ignored` have no effect.
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
  const closing = connecting.then(({ client }) => client.close()).catch(() => {}) // a failed connecting was reported above
  const closed = await settled(closing, clock, hurry)
  // A silent store may keep sockets busy long after they were closed: the exit does not wait for them.
  if (!closed || hurry.aborted) process.exit()
  signals.detach()
}

/** Connects, again and again for `startMs`. Stderr gets the reason of the wait, once for equal reasons in a row. */
async function reach(options: VisitOptions, signals: Signals, clock: Clock): Promise<Visit> {
  const { url, ttl: ttlMs, startMs, readsOnly } = options
  const open = readsOnly ? connectToRead : connect
  const since = clock.mark()
  const waitMs = startMs === undefined ? undefined : reportMs
  for (let told = '', lateMs = 0; ; ) {
    try {
      const client = await open(url, { ttlMs, clock, signal: signals.interrupted, waitMs })
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

function tell(error: unknown, { quiet, endsWell }: VisitOptions): number {
  const expected =
    error instanceof Interrupted ||
    error instanceof UnreadError ||
    (quiet && error instanceof WaitTimeoutError)
  if (!expected) say(messageOf(error))
  if (error instanceof Interrupted && error.signal === endsWell) return 0
  return statusOf(error)
}

/** Waits for `closing`, at most 2 s after `hurry` has aborted. Says whether it settled. */
async function settled(closing: Promise<void>, clock: Clock, hurry: AbortSignal): Promise<boolean> {
  const late = (): Error => new Error('not closed in time')
  const scope = new Scope().onTimeoutAfter(hurry, clock, hurriedCloseMs, late)
  try {
    await orAborted(closing, scope.signal)
    return true
  } catch {
    return false
  } finally {
    scope.detach()
  }
}

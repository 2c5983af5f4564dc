// A subcommand's way to the store and back: connects, lets it work, closes. Owns the exit status, what is told of
// errors, and that no signal and no silent store keeps leasehold from ending.
import type { Leasehold } from '../api/leasehold.ts'
import { orAborted } from '../base/abort.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { WaitTimeoutError } from '../base/errors.ts'
import { Scope } from '../base/scope.ts'
import { connect } from '../connect.ts'
import { exitStatus, Interrupted, messageOf, say, statusOf, UnreadError } from './exit.ts'
import { Signals } from './process/signals.ts'

/** How long closing may take once there is a reason to hurry: then the store frees the lock by itself. */
const hurriedCloseMs = 2_000

/** What a subcommand works with. */
export interface Visit {
  readonly client: Leasehold
  readonly clock: Clock
  /** It has them all until it ends: `interrupted` aborts when one asks it to. */
  readonly signals: Signals
}

/** Which store, and how much to tell. */
export interface VisitOptions {
  readonly url?: string
  readonly ttl?: number
  readonly quiet?: boolean
}

/**
 * Connects, works and closes. The exit status is what `work` resolves with, or that of the error with which it or the
 * connecting fails, which is told on stderr. Signals that are `ignored` have no effect.
 */
export async function withClient(
  options: VisitOptions,
  work: (visit: Visit) => Promise<number>,
  ignored: readonly NodeJS.Signals[] = [],
): Promise<void> {
  const clock = systemClock()
  const signals = new Signals(ignored)
  const connecting = connect(options.url, { ttlMs: options.ttl, clock })
  let hurry = signals.interrupted
  try {
    const client = await orAborted(connecting, signals.interrupted)
    process.exitCode = await work({ client, clock, signals })
    if (process.exitCode === exitStatus.lost) hurry = AbortSignal.abort()
  } catch (error) {
    process.exitCode = tell(error, options)
  }
  const closing = connecting.then((client) => client.close()).catch(() => {}) // a failure was told above
  const closed = await settled(closing, clock, hurry)
  // A silent store may keep sockets busy long after they were closed: the exit does not wait for them.
  if (!closed || hurry.aborted) process.exit()
  signals.lift()
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

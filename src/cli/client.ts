// A subcommand's way to the store and back: connects, lets it work, closes. Owns the exit status, what is told of
// errors, and that no signal and no silent store keeps leasehold from ending.
import type { Leasehold } from '../api/leasehold.ts'
import { orAborted } from '../base/abort.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { WaitTimeoutError } from '../base/errors.ts'
import { Scope } from '../base/scope.ts'
import { connect } from '../connect.ts'
import { exitStatus, Interrupted, messageOf, say, statusOf } from './exit.ts'
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

/** How a subcommand comes to its client. `interrupted` aborts when a signal asks leasehold to end. */
export type Open = (clock: Clock, interrupted: AbortSignal) => Promise<Leasehold>

/**
 * Connects, works and closes. The exit status is what `work` resolves with, or that of the error with which it or the
 * connecting fails, which is told on stderr.
 */
export async function withClient(
  options: VisitOptions,
  work: (visit: Visit) => Promise<number>,
  open: Open = (clock) => connect(options.url, { ttlMs: options.ttl, clock }),
): Promise<void> {
  const clock = systemClock()
  const signals = new Signals()
  const connecting = open(clock, signals.interrupted)
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
  const expected = error instanceof Interrupted || (quiet && error instanceof WaitTimeoutError)
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

// Keeps a schedule on one host: waits for the next tick by the wall clock, and takes part in it. Owns one rule: the
// next tick is the one nearest to the present, if it is later than the last. The rule covers a clock that is set, a
// machine that slept and a job that takes longer than an interval. taking.ts keeps a tick through an outage of the
// store.
import type { StartOptions, TickResult } from '../api/cron.ts'
import { type Clock, pause } from '../base/clock.ts'
import { HoldLostError } from '../base/errors.ts'
import type { Scope } from '../base/scope.ts'
import { warn } from '../core/grace.ts'
import { outlast } from './outlast.ts'
import type { Schedule } from './schedule.ts'

/** The parts of a cron job that the keeper uses. */
export interface Keeping {
  readonly schedule: Schedule
  readonly clock: Clock
  readonly scope: Scope
  take(tickMs: number): Promise<TickResult<unknown>>
  /** A tick from before the start that is to run late; undefined if there is none. */
  overdue(): Promise<number | undefined>
}

/** The longest rest between two looks at the wall clock, since it may be set during the rest. */
const lookMs = 30_000

/** Takes part in tick after tick, until the scope ends. */
export async function keep(keeping: Keeping, options: StartOptions): Promise<void> {
  const { clock, schedule, scope } = keeping
  let lastMs = await attend(() => overdue(keeping, options), keeping, options)
  if (lastMs !== undefined) await attend(() => take(keeping, lastMs as number, options), keeping, options)
  for (lastMs ??= schedule.last(clock.wallMs()) ?? -Infinity; !scope.ended; ) {
    const tickMs = upcoming(schedule, clock.wallMs(), lastMs)
    if (tickMs === undefined) return // the schedule has no further tick
    if (tickMs > clock.wallMs()) await rest(keeping, tickMs)
    else {
      lastMs = tickMs
      await attend(() => take(keeping, tickMs, options), keeping, options)
    }
  }
}

/** Looks for a late tick. Tries through an outage of the store until the next tick, or for `giveUpMs`. */
function overdue(keeping: Keeping, { giveUpMs, onError = warn }: StartOptions): Promise<number | undefined> {
  const { clock, scope, schedule } = keeping
  const nowMs = clock.wallMs()
  const forMs = giveUpMs ?? (schedule.next(nowMs) ?? nowMs) - nowMs
  return outlast(() => keeping.overdue(), { clock, scope, forMs, onOutage: onError })
}

function upcoming(schedule: Schedule, nowMs: number, lastMs: number): number | undefined {
  const nearest = schedule.nearest(nowMs)
  return nearest !== undefined && nearest > lastMs ? nearest : schedule.next(Math.max(nowMs, lastMs))
}

/** Rests until a time of the wall clock, or until the next look at the clock is due. */
async function rest({ clock, scope }: Keeping, untilMs: number): Promise<void> {
  const ms = Math.min(lookMs, untilMs - clock.wallMs())
  await pause(clock, ms, scope.signal).catch(() => {})
}

async function take(keeping: Keeping, tickMs: number, { onTick }: StartOptions): Promise<void> {
  const result = await keeping.take(tickMs)
  onTick?.(result)
}

/**
 * Runs `what` and passes its error to `onError`, so that the schedule goes on. Throws only the error for a job that did
 * not end in its grace.
 */
async function attend<T>(
  what: () => Promise<T>,
  { scope }: Keeping,
  { onError = warn }: StartOptions,
): Promise<T | undefined> {
  try {
    return await what()
  } catch (error) {
    if (scope.ended && error instanceof HoldLostError) throw error
    if (!scope.ended) onError(error)
    return undefined
  }
}

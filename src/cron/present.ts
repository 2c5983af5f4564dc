// Says which tick is the present one, and how far clocks may be off. Owns two bounds: how early a tick may be taken,
// and how late a tick on record may be until it shows that a clock is wrong.
import type { Schedule } from './schedule.ts'

/** How far ahead of its time a tick may be taken if the caller sets no `aheadMs`. */
export const aheadDefaultMs = 60_000

/** The tick nearest to the present. */
export interface Present {
  readonly tickMs: number
  /** Whether it is too far ahead to be taken. */
  readonly early: boolean
}

/** The tick of a schedule that is nearest to a time. Throws RangeError if there is none for years. */
export function presentTick(schedule: Schedule, nowMs: number, aheadMs: number = aheadDefaultMs): Present {
  const tickMs = schedule.nearest(nowMs)
  if (tickMs === undefined) throw new RangeError('schedule: it has no tick near the present')
  return { tickMs, early: tickMs - nowMs > aheadMs }
}

/** The time until the next tick: so long a host tries for this one. Undefined if there is no next tick. */
export function untilNextMs(schedule: Schedule, tickMs: number, nowMs: number): number | undefined {
  const nextMs = schedule.next(tickMs)
  return nextMs === undefined ? undefined : Math.max(1, nextMs - nowMs)
}

/**
 * The latest tick that can be on record if no clock is wrong. It allows for a host whose clock is ahead while ours
 * is behind.
 */
export function horizonOf(nowMs: number, aheadMs: number = aheadDefaultMs): number {
  return nowMs + 2 * Math.max(aheadMs, aheadDefaultMs)
}

// Which tick it is now, and how far clocks may be off. Owns the bound before which no tick is taken, and the one past which a
// tick on record shows that a clock is wrong.
import type { Schedule } from './schedule.ts'

/** How far ahead of its time a tick may be taken, unless the caller says so. */
export const aheadDefaultMs = 60_000

/** The tick next to the present. */
export interface Present {
  readonly tickMs: number
  /** Whether it is too far ahead to be taken. */
  readonly early: boolean
}

/** The tick of a schedule that is next to a time. Throws RangeError where there is none for years. */
export function presentTick(schedule: Schedule, nowMs: number, aheadMs: number = aheadDefaultMs): Present {
  const tickMs = schedule.nearest(nowMs)
  if (tickMs === undefined) throw new RangeError('schedule: it has no tick near the present')
  return { tickMs, early: tickMs - nowMs > aheadMs }
}

/** How long it is worth to go on for a tick: until the next one; undefined where there is none. */
export function untilNextMs(schedule: Schedule, tickMs: number, nowMs: number): number | undefined {
  const nextMs = schedule.next(tickMs)
  return nextMs === undefined ? undefined : Math.max(1, nextMs - nowMs)
}

/** A tick later than this cannot be on record if this clock and that of its host are right, one being ahead, one behind. */
export function horizonOf(nowMs: number, aheadMs: number = aheadDefaultMs): number {
  return nowMs + 2 * Math.max(aheadMs, aheadDefaultMs)
}

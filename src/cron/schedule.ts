// Finds the ticks of a cron expression by croner, which knows expressions, time zones and changes of the clock. Owns
// two corrections: the hour field alone decides whether a job has fixed times, and a gap that ends on the next day
// loses no tick.
import { Cron } from 'croner'
import { quoted } from '../base/printable.ts'

/** The fields of an expression, and their values in addition to `*`, lists, ranges and steps. */
const fields = [
  ['a minute', '0 to 59'],
  ['an hour', '0 to 23'],
  ['a day of month', '1 to 31'],
  ['a month', '1 to 12, or JAN to DEC'],
  ['a day of week', '0 to 7, or SUN to SAT'],
] as const
const second = ['a second', '0 to 59'] as const

const dayMs = 86_400_000

/**
 * The ticks of one cron expression. All times are ms since 1970. Each question costs well under 5 ms of processor time.
 *
 * Changes of the clock: an hour field without a wildcard and without a step names fixed times. A time that a day leaves
 * out comes once, at the end of the gap. A time that a day has twice comes once, at the first. Any other hour field
 * follows the clock on the wall: it leaves out times that do not exist, and comes again with times that do.
 */
export class Schedule {
  readonly expression: string
  readonly timezone: string | undefined
  readonly #cron: Cron
  /** The gaps of the time zone, if the schedule has fixed times. */
  readonly #gaps: Gaps | undefined

  /**
   * `expression` has five fields, or six with seconds in front, or is a nickname such as `@daily`. The default of
   * `timezone` is that of the process. Throws a TypeError or RangeError that says which field is wrong.
   */
  constructor(expression: string, timezone: string | undefined) {
    this.expression = expression
    this.timezone = timezone
    checkTimezone(timezone)
    this.#cron = parse(expression, timezone)
    this.#gaps = hasFixedTimes(expression) ? new Gaps(expression, timezone) : undefined
    if (this.next(0) === undefined) throw malformed(expression, 'it never comes true')
  }

  /** The first tick after a time; undefined if there is none in the next years. */
  next(afterMs: number): number | undefined {
    const tick = this.#cron.nextRun(new Date(afterMs))?.getTime()
    const gapEnd = this.#gaps?.next(afterMs)
    return tick === undefined || gapEnd === undefined ? tick : Math.min(tick, gapEnd)
  }

  /** The last tick at or before a time; undefined if there was none for years. */
  last(atMs: number): number | undefined {
    const afterMs = (Math.floor(atMs / 1_000) + 1) * 1_000 // ticks are whole seconds, and croner looks before this time
    const tick = this.#cron.previousRuns(1, new Date(afterMs))[0]?.getTime()
    const gapEnd = this.#gaps?.last(afterMs)
    return tick === undefined || gapEnd === undefined ? tick : Math.max(tick, gapEnd)
  }

  /**
   * The tick nearest to a time, before or after it. Hosts whose clocks differ by less than half an interval agree on
   * it.
   */
  nearest(atMs: number): number | undefined {
    const [last, next] = [this.last(atMs), this.next(atMs)]
    if (last === undefined || next === undefined) return last ?? next
    return atMs - last <= next - atMs ? last : next
  }

  /** The ticks between two times, both excluded, the latest one first. */
  *between(afterMs: number, beforeMs: number): Generator<number, void> {
    for (let at = this.last(beforeMs - 1); at !== undefined && at > afterMs; at = this.last(at - 1)) yield at
  }
}

/**
 * Finds ticks in the gap when the clock goes forward. croner leaves such a tick out if the gap ends on the next day.
 */
class Gaps {
  /** The schedule as if the clock never changed. Its times are those on the wall, as if they were UTC. */
  readonly #wall: Cron
  readonly #format: Intl.DateTimeFormat

  constructor(expression: string, timezone: string | undefined) {
    this.#wall = new Cron(expression, { paused: true, mode: '5-or-6-parts', utcOffset: 0 })
    this.#format = new Intl.DateTimeFormat('en-US', {
      ...{ timeZone: timezone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
      ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
    })
  }

  /** The end of the gap that holds the first tick after a time, if that tick is in a gap. */
  next(afterMs: number): number | undefined {
    const end = this.#endAround(this.#wall.nextRun(new Date(afterMs + this.#offset(afterMs))))
    return end !== undefined && end > afterMs ? end : undefined
  }

  /** The end of the gap that holds the last tick before a time, if that tick is in a gap. */
  last(beforeMs: number): number | undefined {
    const [tick] = this.#wall.previousRuns(1, new Date(beforeMs + this.#offset(beforeMs)))
    const end = this.#endAround(tick)
    return end !== undefined && end < beforeMs ? end : undefined
  }

  #endAround(tick: Date | null | undefined): number | undefined {
    if (!tick) return undefined
    const wallMs = tick.getTime()
    let [before, end] = [wallMs - dayMs, wallMs + dayMs]
    const [offsetBefore, offsetAfter] = [this.#offset(before), this.#offset(end)]
    if (offsetAfter <= offsetBefore) return undefined
    while (end - before > 1) {
      const middle = Math.floor((before + end) / 2)
      if (this.#offset(middle) === offsetBefore) before = middle
      else end = middle
    }
    return end + offsetBefore <= wallMs && wallMs < end + offsetAfter ? end : undefined
  }

  /** How far the clock on the wall is ahead of UTC, in ms. */
  #offset(ms: number): number {
    const [month = 0, day, year = 0, ...time] = (this.#format.format(ms).match(/\d+/g) ?? []).map(Number)
    return Date.UTC(year, month - 1, day, ...time) - Math.floor(ms / 1_000) * 1_000
  }
}

/** Throws RangeError unless the time zone is known. */
export function checkTimezone(timezone: string | undefined): void {
  try {
    Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch (cause) {
    const shown = typeof timezone === 'string' ? quoted(timezone) : String(timezone)
    throw new RangeError(`timezone: ${shown} is not known; it takes names like "Europe/Berlin" or "UTC"`, {
      cause,
    })
  }
}

function parse(expression: string, timezone: string | undefined): Cron {
  if (typeof expression !== 'string') throw new TypeError(`schedule: ${String(expression)} is not a string`)
  try {
    const options = {
      paused: true,
      mode: '5-or-6-parts',
      fixedTimeRule: 'no-wildcard',
      ...(timezone === undefined ? {} : { timezone }),
    } as const
    const cron = new Cron(expression, options)
    const fixed = hasFixedTimes(expression)
    // An expression without a pattern is one point in time, and no schedule.
    if (cron.getPattern() !== undefined) return fixed ? new Cron(withFixedTimes(expression), options) : cron
  } catch (cause) {
    throw malformed(expression, whereWrong(expression), cause)
  }
  throw malformed(expression, 'it is a time, and comes only once')
}

/** Whether the hour field has neither a wildcard nor a step. Of the nicknames, all but `@hourly` stand for hour 0. */
function hasFixedTimes(expression: string): boolean {
  const parts = expression.trim().split(/\s+/)
  if (parts.length === 1) return expression.trim().toLowerCase() !== '@hourly'
  return !/[*?/]/.test(parts.at(-4) ?? '')
}

/**
 * The same expression without wildcards and steps in minutes and seconds: with those, croner would not take it for a
 * job of fixed times.
 */
function withFixedTimes(expression: string): string {
  const parts = expression.trim().split(/\s+/)
  return parts.map((part, index) => (index < parts.length - 4 ? writtenOut(part) : part)).join(' ')
}

/** A field of minutes or seconds without wildcards and steps. */
function writtenOut(field: string): string {
  const items = field.split(',').map((item) => {
    const [range = '', step = '1'] = item.replace(/[*?]/, '0-59').split('/')
    const [from, to = from] = range.split('-').map(Number)
    const values: number[] = []
    for (let value = from as number; value <= (to as number); value += Number(step)) values.push(value)
    return values.join(',')
  })
  return items.join(',')
}

/** Says which field is wrong: the first that is wrong even if all others are `*`. */
function whereWrong(expression: string): string {
  const parts = expression.trim().split(/\s+/)
  if (parts[0]?.startsWith('@')) return 'the nicknames are @yearly, @monthly, @weekly, @daily and @hourly'
  const known = parts.length === 6 ? [second, ...fields] : fields
  if (parts.length !== known.length) return 'it takes five fields, or six with seconds in front'
  const at = parts.findIndex(
    (_, index) => !isSound(parts.map((part, other) => (other === index ? part : '*'))),
  )
  const [name, range] = known[at] ?? []
  if (!name) return 'its fields do not go together'
  return `field ${at + 1} is ${quoted(parts[at] ?? '')}, but ${name} takes ${range}`
}

function isSound(parts: readonly string[]): boolean {
  try {
    new Cron(parts.join(' '), { paused: true, mode: '5-or-6-parts' })
    return true
  } catch {
    return false
  }
}

function malformed(expression: string, why: string, cause?: unknown): RangeError {
  return new RangeError(`schedule: ${quoted(expression)} cannot be used: ${why}`, { cause })
}

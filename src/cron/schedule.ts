// When a cron expression has its ticks. Owns that every host computes the same ones, whenever it asks: all are found by
// stepping forward with croner, which knows the expressions, the time zones and their changes of the clock.

import { Cron } from 'croner'
import { quoted } from '../base/printable.ts'

/** The fields of an expression, and what they take beside `*`, lists, ranges and steps. */
const fields = [
  ['a minute', '0 to 59'],
  ['an hour', '0 to 23'],
  ['a day of month', '1 to 31'],
  ['a month', '1 to 12, or JAN to DEC'],
  ['a day of week', '0 to 7, or SUN to SAT'],
] as const
const second = ['a second', '0 to 59'] as const

/** The longest time between two ticks that is looked for: a leap day may be eight years away. */
const longestMs = 9 * 366 * 86_400_000

/** The ticks of one cron expression. All times are ms since 1970. */
export class Schedule {
  readonly expression: string
  readonly timezone: string | undefined
  readonly #cron: Cron

  /**
   * `expression` has five fields, or six with seconds in front, or is a nickname such as `@daily`. Without `timezone` it is
   * the time zone of the process. Throws TypeError or RangeError, which say where the expression is wrong.
   */
  constructor(expression: string, timezone: string | undefined) {
    this.expression = expression
    this.timezone = timezone
    checkTimezone(timezone)
    this.#cron = parse(expression, timezone)
    if (this.next(0) === undefined) throw malformed(expression, 'it never comes true')
  }

  /** The first tick after a time; undefined where there is none in the next years. */
  next(afterMs: number): number | undefined {
    return this.#cron.nextRun(new Date(afterMs))?.getTime()
  }

  /** The last tick at or before a time; undefined where there was none for years. */
  last(atMs: number): number | undefined {
    for (let backMs = 60_000; ; backMs = Math.min(8 * backMs, longestMs)) {
      let tick = this.next(atMs - backMs)
      if (tick !== undefined && tick <= atMs) {
        for (let next = this.next(tick); next !== undefined && next <= atMs; next = this.next(tick))
          tick = next
        return tick
      }
      if (backMs === longestMs) return undefined
    }
  }

  /** The tick next to a time, before or after it: clocks that differ by less than half an interval agree on it. */
  nearest(atMs: number): number | undefined {
    const [last, next] = [this.last(atMs), this.next(atMs)]
    if (last === undefined || next === undefined) return last ?? next
    return atMs - last <= next - atMs ? last : next
  }

  /** The ticks between two times, without these: the latest ones, if there are more than `most`. */
  between(afterMs: number, beforeMs: number, most: number): number[] {
    const ticks: number[] = []
    for (let at = this.last(beforeMs - 1); at !== undefined && at > afterMs; at = this.last(at - 1)) {
      if (ticks.push(at) >= most) break
    }
    return ticks.reverse()
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
      ...(timezone === undefined ? {} : { timezone }),
    } as const
    const cron = new Cron(expression, options)
    if (cron.getPattern() !== undefined) return cron // a time of day is no schedule
  } catch (cause) {
    throw malformed(expression, whereWrong(expression), cause)
  }
  throw malformed(expression, 'it is a time, and comes only once')
}

/** Which field is wrong: the one that is wrong alone, too. */
function whereWrong(expression: string): string {
  const parts = expression.trim().split(/\s+/)
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

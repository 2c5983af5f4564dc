// The cost of a question to a schedule. It is asked while the lock is held, so it must not block the event loop.
import { describe, expect, test } from 'vitest'
import { Schedule } from '../../src/cron/schedule.ts'

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Beirut',
  'Africa/Casablanca',
]
const expressions = [
  ...['* * * * *', '*/5 * * * *', '*/7 * * * *', '0 * * * *', '30 */2 * * *', '17 0-23/3 * * *', '* 2 * * *'],
  ...['0 3 * * *', '0 2,14 * * *', '10,40 2 * * *', '0 0 * * 0', '0 0 * * 1-5', '* * * * 1', '0 0 * * 5#2'],
  ...['0 0 1 * *', '0 0 L * *', '0 0 15W * *', '0 0 13 * 5', '0 0 13 * +5', '0 9 1 1 *', '* * * 1 *'],
  ...['0 0 29 2 *', '* * 29 2 *', '0 0 29 2 +1', '0 0 31 12 *', '59 23 31 12 *', '0 0 1 */3 *', '0 0 31 * *'],
  ...['* * * * * *', '* * * * * 1', '* * * 1 * *', '* * * 29 2 *', '59 59 23 31 12 *', '0 0 0 1 1 *'],
  ...['*/10 * 2 * * *', '* * 3 * * 0', '30 0 0 L * *', '@hourly', '@weekly', '@yearly'],
]
const mostMs = 5
const from = Date.parse('2026-03-28T21:30:11.500Z')

/** The processor time of the cheapest of several tries, in ms: what else the machine does is not the question's. */
function costMs(ask: () => unknown): number {
  let least = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 4 && least > mostMs / 10; tries += 1) {
    const before = process.cpuUsage()
    ask()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1_000)
  }
  return least
}

test('there are 40 expressions and 6 zones', () => {
  expect([new Set(expressions).size, zones.length]).toEqual([40, 6])
})

describe.each(zones)('in %s', (zone) => {
  test(`next, last, nearest and the step to an earlier tick cost less than ${mostMs} ms each`, () => {
    const slow = expressions.flatMap((expression) => {
      const schedule = new Schedule(expression, zone)
      const costs = {
        next: costMs(() => schedule.next(from)),
        last: costMs(() => schedule.last(from)),
        nearest: costMs(() => schedule.nearest(from)),
        between: costMs(() => schedule.between(0, from).next()),
      }
      return Object.entries(costs).flatMap(([question, ms]) =>
        ms < mostMs ? [] : [`${question} of ${expression} cost ${ms.toFixed(1)} ms`],
      )
    })
    expect(slow).toEqual([])
  })
})

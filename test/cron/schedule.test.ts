// When cron expressions have their ticks: across changes of the clock, wherever one starts to look, and what bad ones say.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Schedule } from '../../src/cron/schedule.ts'
import { holdsForAll } from '../property/draw.ts'

const berlin = 'Europe/Berlin'
const minuteMs = 60_000
const dayMs = 86_400_000

const iso = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString().replace(':00.000Z', 'Z')

/** All ticks from one time to another, as a walk forward finds them. */
function walk(schedule: Schedule, fromMs: number, toMs: number): number[] {
  const ticks: number[] = []
  for (let at = schedule.next(fromMs - 1); at !== undefined && at <= toMs; at = schedule.next(at))
    ticks.push(at)
  return ticks
}

function ticks(expression: string, from: string, to: string, timezone = berlin): (string | undefined)[] {
  return walk(new Schedule(expression, timezone), Date.parse(from), Date.parse(to)).map(iso)
}

describe('around a time', () => {
  const schedule = new Schedule('*/10 * * * *', 'UTC')
  const at = (time: string): number => Date.parse(`2026-05-01T${time}Z`)

  test('next is after it, last is before it or just then', () => {
    expect(iso(schedule.next(at('12:03:00')))).toBe('2026-05-01T12:10Z')
    expect(iso(schedule.last(at('12:03:00')))).toBe('2026-05-01T12:00Z')
    expect(iso(schedule.next(at('12:10:00')))).toBe('2026-05-01T12:20Z')
    expect(iso(schedule.last(at('12:10:00')))).toBe('2026-05-01T12:10Z')
    expect(iso(schedule.last(at('12:09:59.999')))).toBe('2026-05-01T12:00Z')
  })

  test('nearest is the tick that clocks agree on which are off by less than half an interval', () => {
    expect(iso(schedule.nearest(at('12:05:01')))).toBe('2026-05-01T12:10Z')
    expect(iso(schedule.nearest(at('12:10:00')))).toBe('2026-05-01T12:10Z')
    expect(iso(schedule.nearest(at('12:14:59')))).toBe('2026-05-01T12:10Z')
  })

  test('between has neither end, and begins with the latest', () => {
    const between = (from: string, to: string) => [...schedule.between(at(from), at(to))].map(iso)
    expect(between('12:00:00', '12:40:00')).toEqual([
      '2026-05-01T12:30Z',
      '2026-05-01T12:20Z',
      '2026-05-01T12:10Z',
    ])
    expect(between('12:00:00', '12:10:00')).toEqual([])
  })

  test('a sixth field in front counts seconds', () => {
    const seconds = new Schedule('*/20 * * * * *', 'UTC')
    expect(iso(seconds.next(at('12:03:01')))).toBe('2026-05-01T12:03:20.000Z')
    expect(iso(seconds.last(at('12:03:20')))).toBe('2026-05-01T12:03:20.000Z')
  })

  test('@daily is midnight of the time zone', () => {
    expect(ticks('@daily', '2026-05-01T00:00Z', '2026-05-02T23:00Z')).toEqual([
      '2026-05-01T22:00Z',
      '2026-05-02T22:00Z',
    ])
  })
})

describe('when the clock goes forward in Berlin, from 02:00 to 03:00', () => {
  test('a job of 02:30 runs at 03:00 that day, and is not left out', () => {
    expect(ticks('30 2 * * *', '2026-03-28T00:00Z', '2026-03-30T23:00Z')).toEqual([
      '2026-03-28T01:30Z',
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ])
  })

  test.each([
    ['0 * * * *', 60],
    ['*/15 * * * *', 15],
  ])('%s goes on every %i minutes', (expression, minutes) => {
    const [from, to] = [Date.parse('2026-03-28T22:00Z'), Date.parse('2026-03-29T04:00Z')]
    expect(walk(new Schedule(expression, berlin), from, to)).toEqual(evenly(from, to, minutes))
  })
})

describe('when the clock goes back in Berlin, from 03:00 to 02:00', () => {
  test('a job of 02:30 runs once that day, at the first 02:30', () => {
    expect(ticks('30 2 * * *', '2026-10-24T00:00Z', '2026-10-26T23:00Z')).toEqual([
      '2026-10-24T00:30Z',
      '2026-10-25T00:30Z',
      '2026-10-26T01:30Z',
    ])
  })

  test.each([
    ['0 * * * *', 60],
    ['*/15 * * * *', 15],
  ])('%s goes on every %i minutes', (expression, minutes) => {
    const [from, to] = [Date.parse('2026-10-24T22:00Z'), Date.parse('2026-10-25T04:00Z')]
    expect(walk(new Schedule(expression, berlin), from, to)).toEqual(evenly(from, to, minutes))
  })
})

function evenly(fromMs: number, toMs: number, minutes: number): number[] {
  const all: number[] = []
  for (let at = fromMs; at <= toMs; at += minutes * minuteMs) all.push(at)
  return all
}

describe('hosts that look at any time find the same ticks', () => {
  const expression = fc.constantFrom(
    '* * * * *',
    '*/7 * * * *',
    '0 * * * *',
    '30 2 * * *',
    '0,45 1-3 * * *',
    '15 3 * * 0',
    '*/20 30 * * * *',
    '0 0 L * *',
  )
  const timezone = fc.constantFrom(berlin, 'UTC', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata')
  const changes = ['2026-03-08T07:00Z', '2026-03-29T01:00Z', '2026-04-04T15:00Z', '2026-10-03T15:30Z']
  const around = [...changes, '2026-10-25T01:00Z', '2026-11-01T06:00Z', '2026-06-15T12:00Z']
  const time = fc
    .tuple(fc.constantFrom(...around), fc.integer({ min: -3 * dayMs, max: 3 * dayMs }))
    .map(([near, ms]) => Date.parse(near) + ms)

  test('next, last, nearest and between agree with a walk through all ticks', async ({ task }) => {
    const property = fc.property(
      expression,
      timezone,
      time,
      fc.nat(6 * 3_600_000),
      (cron, zone, atMs, forMs) => {
        const schedule = new Schedule(cron, zone)
        const [next, last] = [schedule.next(atMs) as number, schedule.last(atMs) as number]
        const all = walk(schedule, last - forMs, next + forMs)
        expect(iso(next)).toBe(iso(all.find((tick) => tick > atMs)))
        expect(iso(last)).toBe(iso(all.findLast((tick) => tick <= atMs)))
        expect(schedule.nearest(atMs)).toBe(atMs - last <= next - atMs ? last : next)
        const within = all.filter((tick) => tick > last - forMs && tick < atMs)
        expect([...schedule.between(last - forMs, atMs)].reverse().map(iso)).toEqual(within.map(iso))
      },
    )
    await holdsForAll(task, property, { numRuns: 150 })
  })

  test('a walk that began before a change of the clock goes on as one that began in it', async ({ task }) => {
    const property = fc.property(expression, timezone, time, (cron, zone, atMs) => {
      const schedule = new Schedule(cron, zone)
      const early = walk(schedule, atMs - dayMs, atMs + dayMs / 4).filter((tick) => tick >= atMs)
      expect(walk(schedule, atMs, atMs + dayMs / 4).map(iso)).toEqual(early.map(iso))
    })
    await holdsForAll(task, property, { numRuns: 60 })
  })
})

describe('a leap day', () => {
  const leap = new Schedule('0 0 29 2 *', 'UTC')

  test('is found eight years ahead, where a century has none', () => {
    expect(iso(leap.next(Date.parse('2097-01-01')))).toBe('2104-02-29T00:00Z')
  })

  test.each([
    ['2028-02-28', '2024-02-29T00:00Z'],
    ['2028-02-27', '2024-02-29T00:00Z'],
    ['2028-02-01', '2024-02-29T00:00Z'],
    ['2104-02-28', '2096-02-29T00:00Z'],
  ])('is found in the past from %s', (from, expected) => {
    expect(iso(leap.last(Date.parse(from)))).toBe(expected)
  })

  test('that was missed is known four years later', () => {
    const missed = leap.between(Date.parse('2020-02-29'), Date.parse('2028-02-29'))
    expect([...missed].map(iso)).toEqual(['2024-02-29T00:00Z'])
  })
})

describe('an expression that cannot be used is refused with the field and what it takes', () => {
  test.each([
    ['61 * * * *', 'field 1 is "61", but a minute takes 0 to 59'],
    ['* 25 * * *', 'field 2 is "25", but an hour takes 0 to 23'],
    ['* * 0 * *', 'field 3 is "0", but a day of month takes 1 to 31'],
    ['* * * FOO *', 'field 4 is "FOO", but a month takes 1 to 12, or JAN to DEC'],
    ['* * * * 9', 'field 5 is "9", but a day of week takes 0 to 7, or SUN to SAT'],
    ['99 * * * * *', 'field 1 is "99", but a second takes 0 to 59'],
    ['0 * * * 13 *', 'field 5 is "13", but a month takes 1 to 12, or JAN to DEC'],
    ['5-1 * * * *', 'field 1 is "5-1", but a minute takes 0 to 59'],
    ['* * *', 'it takes five fields, or six with seconds in front'],
    ['* * * * * * *', 'it takes five fields, or six with seconds in front'],
    ['', 'it takes five fields, or six with seconds in front'],
    ['@reboot', 'the nicknames are @yearly, @monthly, @weekly, @daily and @hourly'],
    ['0 0 31 2 *', 'it never comes true'],
    ['2026-01-01T00:00:00', 'it is a time, and comes only once'],
  ])('%j', (expression, why) => {
    expect(() => new Schedule(expression, 'UTC')).toThrow(
      new RangeError(`schedule: ${JSON.stringify(expression)} cannot be used: ${why}`),
    )
  })

  test('or as what is no string at all', () => {
    expect(() => new Schedule(5 as never, 'UTC')).toThrow(new TypeError('schedule: 5 is not a string'))
  })

  test.each([['Mars/Base'], [''], [7 as never], [null as never]])(
    'and so is the time zone %j',
    (timezone) => {
      const message = `timezone: ${JSON.stringify(timezone)} is not known; it takes names like "Europe/Berlin" or "UTC"`
      expect(() => new Schedule('* * * * *', timezone)).toThrow(new RangeError(message))
    },
  )
})

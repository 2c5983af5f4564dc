// Changes of the clock in every time zone that has one in 2026. Owns a table of ticks that is computed in a second way: it
// reads the clock on the wall minute by minute, and knows nothing of croner.
import { expect, test } from 'vitest'
import { Schedule } from '../../src/cron/schedule.ts'

const [minuteMs, hourMs] = [60_000, 3_600_000]
const [firstMs, lastMs] = [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)]

/** The time of the clock on the wall, in ms as if it were UTC. */
function wallClock(zone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  return (ms) => {
    const [month = 0, day, year = 0, hour, minute, second] = (format.format(ms).match(/\d+/g) ?? []).map(
      Number,
    )
    return Date.UTC(year, month - 1, day, hour, minute, second)
  }
}

/** When the clock of a zone changes in 2026: the first minute after the change. */
function changesOf(zone: string): number[] {
  const wall = wallClock(zone)
  const offset = (ms: number): number => wall(ms) - ms
  const changes: number[] = []
  const weekMs = 7 * 24 * hourMs
  for (let [at, now] = [firstMs, offset(firstMs)]; at < lastMs; at += weekMs) {
    let [before, after] = [at, at + weekMs]
    const then = offset(after)
    if (now === then) continue
    while (after - before > minuteMs) {
      const middle = before + Math.floor((after - before) / minuteMs / 2) * minuteMs
      if (offset(middle) === now) before = middle
      else after = middle
    }
    changes.push(after)
    now = then
  }
  return changes
}

/** The values that a field of minutes or hours takes. */
function valuesOf(field: string, most: number): Set<number> {
  const values = field.split(',').flatMap((item) => {
    const [range = '', step = '1'] = item.split('/')
    const [from = 0, to = from] = range === '*' ? [0, most] : range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index).filter(
      (value) => (value - from) % Number(step) === 0,
    )
  })
  return new Set(values)
}

/** The ticks of `MINUTE HOUR * * *` from one time to another, both included. */
function table(expression: string, wall: (ms: number) => number, fromMs: number, toMs: number): number[] {
  const [minuteField = '', hourField = ''] = expression.split(' ')
  const [minutes, hours] = [valuesOf(minuteField, 59), valuesOf(hourField, 23)]
  const isDue = (localMs: number): boolean => {
    const local = new Date(localMs)
    return minutes.has(local.getUTCMinutes()) && hours.has(local.getUTCHours())
  }
  const ticks: number[] = []
  let seenMs = wall(fromMs - minuteMs)
  for (let at = fromMs; at <= toMs; at += minuteMs) {
    const shownMs = wall(at)
    if (/[*/]/.test(hourField)) {
      if (isDue(shownMs)) ticks.push(at)
      continue
    }
    // A fixed time is due when the clock first shows it or a later one.
    let isNew = false
    for (; seenMs < shownMs; ) {
      seenMs += minuteMs
      isNew ||= isDue(seenMs)
    }
    if (isNew) ticks.push(at)
  }
  return ticks
}

function walk(schedule: Schedule, fromMs: number, toMs: number): number[] {
  const ticks: number[] = []
  for (let at = schedule.next(fromMs - 1); at !== undefined && at <= toMs; at = schedule.next(at))
    ticks.push(at)
  return ticks
}

const iso = (ticks: readonly number[]): string[] => ticks.map((ms) => new Date(ms).toISOString())
const zones = Intl.supportedValuesOf('timeZone')
const changing = zones.flatMap((zone) => changesOf(zone).map((atMs) => ({ zone, atMs })))

/** One change of each kind, with the zones that make it, so that all zones are looked at and each kind is walked once. */
function kindsOf(all: typeof changing): { readonly zones: string[]; readonly atMs: number }[] {
  const found = new Map<string, { zones: string[]; atMs: number }>()
  for (const { zone, atMs } of all) {
    const wall = wallClock(zone)
    const kind = [atMs, wall(atMs) - atMs, wall(atMs - minuteMs) - atMs].join()
    const same = found.get(kind) ?? { zones: [], atMs }
    same.zones.push(zone)
    found.set(kind, same)
  }
  return [...found.values()]
}

const kinds = kindsOf(changing)

test('there are changes of every kind: an hour and half an hour, at midnight, and in the south', () => {
  const names = new Set(changing.map(({ zone }) => zone))
  expect(names.size).toBeGreaterThan(100)
  for (const zone of [
    'Europe/Berlin',
    'Australia/Lord_Howe',
    'Asia/Beirut',
    'America/Santiago',
    'Africa/Cairo',
  ])
    expect(names).toContain(zone)
})

test.each([
  '0 2,14 * * *',
  '10,40 2 * * *',
  '0 0 * * *',
  '30 0-3,23 * * *',
  '*/15 0,2 * * *',
  '*/20 1,2 * * *',
  '17 0-23 * * *',
  '0 * * * *',
  '*/20 * * * *',
  '30 */2 * * *',
  '5,35 0-23/3 * * *',
])('%s comes as the clock on the wall says, around every change of 2026', (expression) => {
  for (const { zones: same, atMs } of kinds) {
    const [zone = ''] = same
    const [fromMs, toMs] = [atMs - 5 * hourMs, atMs + 5 * hourMs]
    const expected = table(expression, wallClock(zone), fromMs, toMs)
    const schedule = new Schedule(expression, zone)
    expect(iso(walk(schedule, fromMs, toMs)), `${zone}, forward`).toEqual(iso(expected))
    const back = [...schedule.between(fromMs - 1, toMs + 1)].reverse()
    expect(iso(back), `${zone}, backward`).toEqual(iso(expected))
  }
})

test('zones that change alike have the same ticks', () => {
  for (const {
    zones: [first = '', ...others],
    atMs,
  } of kinds) {
    const ticks = (zone: string): number[] =>
      walk(new Schedule('30 0-3 * * *', zone), atMs - 3 * hourMs, atMs + 3 * hourMs)
    for (const zone of others) expect(iso(ticks(zone)), zone).toEqual(iso(ticks(first)))
  }
})

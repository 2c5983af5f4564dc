// The events of a cron job and its hosts in one simulated run, as plain data. Owns how plans are drawn.
import fc from 'fast-check'

/** A fault of a host or of the store. */
export interface Trouble {
  readonly kind:
    | 'kill'
    | 'cut'
    | 'freeze'
    | 'server pause'
    | 'server crash'
    | 'end session'
    | 'delete key'
    | 'break'
    | 'outage'
    | 'by hand'
    | 'stop'
    | 'stop at mark'
  readonly atMs: number
  readonly host: number
  readonly forMs: number
}

/** One run. */
export interface CronPlan {
  readonly seed: number
  /** The error of each host's wall clock, in ms. */
  readonly skewsMs: readonly number[]
  /** How far off the clock of one more host is, in ms: a day or ten years. 0 where there is none such. */
  readonly wrongMs: number
  readonly minutes: number
  /** The interval of the schedule, in minutes. */
  readonly every: number
  readonly jobMs: number
  readonly retry: boolean
  readonly catchUp: boolean
  readonly troubles: readonly Trouble[]
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

function trouble(minutes: number, hosts: number): fc.Arbitrary<Trouble> {
  return fc.record({
    kind: fc.constantFrom<Trouble['kind']>(
      ...(['kill', 'kill', 'cut', 'freeze', 'server pause', 'server crash'] as const),
      ...(['end session', 'delete key', 'break', 'outage', 'by hand', 'by hand', 'by hand'] as const),
      ...(['stop', 'stop at mark'] as const),
    ),
    // Many faults meet a tick: ticks of hosts with correct clocks come 40 s after the beginning, and then every
    // minute.
    atMs: fc
      .tuple(fc.nat(minutes - 1), fc.oneof(fc.nat(minuteMs), fc.integer({ min: 37_998, max: 40_010 })))
      .map(([minute, ms]) => minute * minuteMs + ms),
    host: fc.nat(hosts - 1),
    forMs: fc.oneof(fc.nat(2_000), fc.nat(40_000), fc.nat(200_000)),
  })
}

/** Plans of this many hosts and minutes. */
export function cronPlans(hosts: number, minutes: number): fc.Arbitrary<CronPlan> {
  const skewMs = fc.oneof(fc.constant(0), fc.integer({ min: -20_000, max: 20_000 }))
  const days = fc.constantFrom(0, 0, 0, 1, -1, 3_652, -3_652)
  const plan = fc.record({
    seed: fc.noShrink(fc.noBias(fc.nat(2 ** 31 - 1))),
    skewsMs: fc.array(skewMs, { minLength: 2, maxLength: hosts }),
    wrongMs: days.map((count) => count * dayMs),
    minutes: fc.constant(minutes),
    every: fc.constantFrom(1, 1, 5),
    jobMs: fc.oneof(fc.nat(10), fc.nat(5_000), fc.nat(100_000)),
    retry: fc.boolean(),
    catchUp: fc.boolean(),
    troubles: fc.array(trouble(minutes, hosts), { minLength: Math.ceil(minutes / 6), maxLength: minutes }),
  })
  // A host of the far future would make up for a thousand ticks, and have the lock for as long.
  return plan.map((each) => ({ ...each, catchUp: each.catchUp && each.wrongMs === 0 }))
}

// The events of an election's candidates in one simulated run, as plain data. Owns how plans are drawn.
import fc from 'fast-check'

/** A fault of a candidate or of the store, or a person's wish. */
export interface Trouble {
  readonly kind:
    | 'kill'
    | 'cut'
    | 'freeze'
    | 'stop'
    | 'step down'
    | 'hand over'
    | 'drain'
    | 'unfit'
    | 'close'
    | 'fail'
    | 'end session'
    | 'delete key'
    | 'break'
    | 'server pause'
    | 'server crash'
    | 'storm'
  readonly atMs: number
  readonly host: number
  readonly forMs: number
}

/** One run. */
export interface ElectionPlan {
  readonly seed: number
  readonly candidates: number
  /** How long the work of each candidate goes on after it was asked to stop. */
  readonly lingerMs: readonly number[]
  /** The time to live, as a part of the one that the store's other runs have; no store goes below its minimum. */
  readonly ttlScale: number
  /** `stopBeforeMs`, as a part of the most that is allowed; undefined for the default. */
  readonly stopBefore: number | undefined
  /** The priority of each candidate; undefined if none has one. */
  readonly priorities?: readonly (number | null)[] | undefined
  /** Whether all work ends within `stopBeforeMs` and half of the margin. */
  readonly inTime: boolean
  readonly troubles: readonly Trouble[]
}

/** How long faults happen. */
export const troubledMs = 60_000
/** How long work may go on after it had to stop. */
export const graceMs = 2_000

const families = [
  ['kill', 'cut', 'freeze'],
  ['stop', 'step down', 'close'],
  ['fail', 'end session', 'step down'],
  ['delete key', 'break', 'freeze', 'cut'],
  ['server pause', 'server crash', 'kill'],
  ['storm', 'freeze', 'end session', 'break'],
  ['cut', 'stop', 'close'],
  ['cut', 'cut', 'step down'],
  ['step down', 'hand over', 'stop'],
  ['hand over', 'step down'],
  ['drain', 'stop', 'step down'],
  ['drain', 'kill', 'cut', 'unfit'],
] as const

const troubles: fc.Arbitrary<Trouble[]> = fc.constantFrom(...families).chain((family) =>
  fc.array(
    fc.record({
      kind: fc.constantFrom<Trouble['kind']>(...family),
      atMs: fc.nat(troubledMs - 5_000),
      host: fc.nat(4),
      forMs: fc.oneof(fc.nat(500), fc.integer({ min: 500, max: 30_000 })),
    }),
    { minLength: 1, maxLength: 10 },
  ),
)

export const electionPlans: fc.Arbitrary<ElectionPlan> = fc.record({
  seed: fc.noShrink(fc.noBias(fc.nat(2 ** 31 - 1))),
  candidates: fc.integer({ min: 2, max: 5 }),
  lingerMs: fc.array(fc.oneof(fc.constant(0), fc.nat(1_500), fc.integer({ min: 3_000, max: 6_000 })), {
    minLength: 5,
    maxLength: 5,
  }),
  ttlScale: fc.constantFrom(0.5, 1, 1, 2),
  stopBefore: fc.constantFrom(undefined, undefined, 0.3, 1),
  inTime: fc.boolean(),
  priorities: fc.option(fc.array(fc.option(fc.nat(2)), { minLength: 5, maxLength: 5 }), {
    nil: undefined,
  }),
  troubles,
})

/** Troubles after which two may work at once: the store, or the machine, gives the work no time. */
const timeless: readonly Trouble['kind'][] = ['break', 'delete key', 'end session', 'freeze']

/** Whether no two may work at once in a run of this plan. */
export function oneWorks({ inTime, troubles }: ElectionPlan): boolean {
  return inTime && !troubles.some(({ kind }) => timeless.includes(kind))
}

/** Troubles in which nothing goes wrong: people ask for other leaders, in order. */
const orderly: readonly Trouble['kind'][] = ['stop', 'step down', 'hand over']

/** Whether the order of the line decides alone in a run of this plan. */
export function isOrderly({ troubles }: ElectionPlan): boolean {
  return troubles.every(({ kind }) => orderly.includes(kind))
}

// The plans of runs with weighted permits, readers and writers, and several names: plain data that shrinks and prints.
import fc from 'fast-check'

/** The job of one process. */
export interface Job {
  readonly process: number
  readonly atMs: number
  /** The lock: some permits of `n0`, a reader or writer of `n1`, some of the mutexes `n2` to `n4`, or the mutex `n5` with `handoff`. */
  readonly form: 'permits' | 'read' | 'write' | 'group' | 'handoff'
  /** How many permits, which group, or how many callers of one process ask at once for the mutex with `handoff`. */
  readonly size: number
  readonly workMs: number
  /** Whether it gives back a part in the middle of its work: a writer becomes a reader. */
  readonly shrinks: boolean
  /** How long the names stay taken after its work, at least as long as the store takes; not at all if undefined. */
  readonly keepMs?: number | undefined
  /** How long it waits; without end if undefined. */
  readonly waitMs?: number | undefined
}

export const troubleKinds = [
  'cut',
  'cut there',
  'cut back',
  'freeze',
  'suspend',
  'kill',
  'storm',
  'server pause',
  'server crash',
  'leader',
  'orphan',
  'close',
] as const

/** A fault. */
export interface Trouble {
  readonly kind: (typeof troubleKinds)[number]
  readonly atMs: number
  readonly process: number
  readonly forMs: number
}

/** One run. */
export interface ShapesPlan {
  readonly seed: number
  readonly drift: readonly number[]
  readonly jobs: readonly Job[]
  readonly troubles: readonly Trouble[]
}

/** How long faults happen. */
export const troubledMs = 20_000
/** The permits of `n0`. */
export const permits = 4
/** How often, and for how long after its admission, a claim on `n5` is handed over. */
export const handedMost = 2
export const handedMs = 3_000
/** The mutexes that a job takes together. */
export const groups = [
  ['n2', 'n3'],
  ['n4', 'n3'],
  ['n2', 'n4'],
  ['n4', 'n2', 'n3'],
] as const

const job: fc.Arbitrary<Job> = fc.record({
  process: fc.nat(2),
  atMs: fc.oneof(fc.nat(2_000), fc.nat(troubledMs)),
  form: fc.constantFrom('permits', 'permits', 'read', 'read', 'write', 'group', 'group', 'handoff'),
  size: fc.integer({ min: 1, max: permits }),
  workMs: fc.oneof(fc.nat(400), fc.nat(6_000)),
  shrinks: fc.boolean(),
  keepMs: fc.option(fc.nat(4_000), { nil: undefined, freq: 3 }),
  waitMs: fc.option(fc.nat(4_000), { nil: undefined, freq: 4 }),
})

const trouble: fc.Arbitrary<Trouble> = fc.record({
  kind: fc.constantFrom(...troubleKinds),
  atMs: fc.nat(troubledMs),
  process: fc.nat(2),
  forMs: fc.oneof(fc.nat(500), fc.nat(8_000)),
})

const world = {
  seed: fc.noShrink(fc.noBias(fc.nat(2 ** 31 - 1))),
  drift: fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 3, maxLength: 3 }),
  jobs: fc.array(job, { minLength: 4, maxLength: 14 }),
}

/** Plans with and without faults. */
export const troubled: fc.Arbitrary<ShapesPlan> = fc.record({
  ...world,
  troubles: fc.array(trouble, { minLength: 1, maxLength: 5 }),
})
export const healthy: fc.Arbitrary<ShapesPlan> = fc.record({ ...world, troubles: fc.constant([]) })

/** The states that some run with faults must have seen. */
export const statesToSee = [
  'one permit',
  'some permits',
  'all permits',
  'gave back a part',
  'kept',
  'several names in order',
  'handed over',
  'hold lost',
]
/** On a store that can take several names in one step. */
export const alsoOnEtcd = 'several names at once'

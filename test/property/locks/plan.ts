// The events of one simulated run, as plain data that shrinks, prints, and can be kept. Owns how plans are drawn.
import fc from 'fast-check'

/** The job of one process, at a time of its own. */
export interface Job {
  readonly process: number
  readonly atMs: number
  readonly name: number
  /** How long it works while it holds. */
  readonly workMs: number
  /** `wait` without a limit, wait for up to this many ms, or `try` once. */
  readonly patience: 'wait' | 'try' | number
  /** Abort after this many ms. */
  readonly abortMs?: number | undefined
  /** An action that it takes only soon after the next release of this name, when many events meet. */
  readonly atRelease?: 'begin' | 'give up' | undefined
  readonly checkpoint: boolean
  /** Whether it learns of a loss only by the signal, and never asks. */
  readonly listens?: boolean | undefined
}

/** All kinds of faults. */
export const troubleKinds = [
  'cut',
  'cut there',
  'cut back',
  'freeze',
  'fade',
  'suspend',
  'kill',
  'clock',
  'storm',
  'server pause',
  'server crash',
  'leader',
  'operator',
  'break',
  'orphan',
  'close',
] as const

/** A fault. It ends by itself, at the latest when the run heals. */
export interface Trouble {
  readonly kind: (typeof troubleKinds)[number]
  readonly atMs: number
  readonly process: number
  readonly forMs: number
}

/** One run. */
export interface Plan {
  readonly seed: number
  readonly processes: number
  /** 1 for a mutex. */
  readonly permits: number
  /** Errors of the processes' clock rates, in parts per thousand. */
  readonly drift: readonly number[]
  /** The longest delay of a message without faults, in ms; by default 1. */
  readonly slowestMs?: number | undefined
  readonly jobs: readonly Job[]
  readonly troubles: readonly Trouble[]
}

/** How long faults happen. After that everything heals, and all must make progress. */
export const troubledMs = 40_000
/** A long time for a hold, or a fault: longer than the TTL of some stores. */
const longMs = 12_000

const kinds = [
  ['cut', 'freeze', 'clock'],
  ['cut there', 'cut back', 'storm'],
  ['fade', 'close', 'fade'],
  ['server pause', 'leader', 'freeze'],
  ['server crash', 'storm', 'kill'],
  ['suspend', 'cut', 'close'],
  ['operator', 'freeze', 'cut back'],
  ['break', 'freeze', 'cut back', 'storm'],
  ['orphan', 'orphan', 'cut back', 'storm'],
] as const

/** Process 0 gets more faults than the others: many bugs need two faults at once. */
const someProcess = fc.constantFrom(0, 0, 0, 1, 2, 3)

const job: fc.Arbitrary<Job> = fc.record({
  process: fc.nat(3),
  atMs: fc.nat(troubledMs),
  name: fc.constantFrom(0, 0, 0, 1),
  workMs: fc.oneof(fc.nat(300), fc.nat(longMs)),
  patience: fc.oneof(
    { weight: 4, arbitrary: fc.constant('wait' as const) },
    { weight: 1, arbitrary: fc.constant('try' as const) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 6_000 }) },
  ),
  abortMs: fc.option(fc.oneof(fc.nat(3), fc.nat(3_000)), { nil: undefined, freq: 2 }),
  atRelease: fc.constantFrom(undefined, undefined, undefined, 'begin' as const, 'give up' as const),
  checkpoint: fc.boolean(),
  listens: fc.boolean(),
})

/** In healthy plans all events come nearly at the same time: each within a few ms of one of some moments. */
const moment = fc
  .tuple(fc.oneof(fc.nat(3), fc.nat(16)), fc.nat(4))
  .map(([halfSeconds, ms]) => 500 * halfSeconds + ms)

const healthyJob: fc.Arbitrary<Job> = fc
  .record({
    job,
    process: fc.nat(4),
    atMs: moment,
    name: fc.constantFrom(0, 0, 0, 0, 0, 1),
    atRelease: fc.constantFrom(undefined, undefined, undefined, 'begin' as const, 'give up' as const),
    halfSeconds: fc.nat(4),
    long: fc.nat(7),
    abortMs: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, 1, 2, 3, 1_500),
  })
  .map(({ job, halfSeconds, long, ...drawn }) => ({
    ...job,
    ...drawn,
    // Some jobs hold for longer than any time to live.
    workMs: long === 0 ? 25_000 : Math.max(0, 500 * halfSeconds - (job.workMs % 4)),
  }))

/** An operator mostly acts during another fault: then some process learns late of its broken lock. */
function together(troubles: readonly Trouble[]): Trouble[] {
  const others = troubles.filter(({ kind }) => !isOperator(kind))
  return troubles.map((trouble, index) => {
    const other = others[index % others.length]
    if (!other || !isOperator(trouble.kind) || trouble.atMs % 4 === 0) return trouble
    return { ...trouble, atMs: other.atMs + (trouble.atMs % 1_000) }
  })
}

function isOperator(kind: Trouble['kind']): boolean {
  return kind === 'operator' || kind === 'break'
}

/** Each run draws from one small family: many kinds of faults at once hide one another. */
const troubles: fc.Arbitrary<Trouble[]> = fc
  .constantFrom(...kinds)
  .chain((family) =>
    fc.array(
      fc.record({
        kind: fc.constantFrom<Trouble['kind']>(...family),
        atMs: fc.oneof(
          { weight: 3, arbitrary: fc.nat(troubledMs - 5_000) },
          { weight: 1, arbitrary: fc.integer({ min: 12_000, max: 18_000 }) },
        ),
        process: someProcess,
        forMs: fc.oneof(fc.nat(500), fc.integer({ min: 500, max: longMs })),
      }),
      { maxLength: 8 },
    ),
  )
  .map(together)

/** The actions of a client itself, without any fault. */
const closing: fc.Arbitrary<Trouble[]> = fc.array(
  fc.record({
    kind: fc.constant<Trouble['kind']>('close'),
    atMs: moment,
    process: someProcess,
    forMs: fc.constant(0),
  }),
  { maxLength: 2 },
)

const world = {
  seed: fc.noShrink(fc.noBias(fc.nat(2 ** 31 - 1))),
  processes: fc.integer({ min: 2, max: 4 }),
  permits: fc.constantFrom(1, 1, 2),
  drift: fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 4, maxLength: 4 }),
}

/** A job, and whether it begins shortly before or during a fault of its process: few do by chance. */
const meeting = fc.tuple(job, fc.boolean())

/** The holders and waiters when the store first takes a process for dead: by chance there are seldom enough of them. */
function bystanders(troubles: readonly Trouble[]): Job[] {
  const orphan = troubles.find(({ kind }) => kind === 'orphan')
  if (!orphan) return []
  const usual = { name: 0, patience: 'wait', checkpoint: false, listens: orphan.atMs % 2 === 0 } as const
  return [0, 1, 2].map((index) => ({
    ...usual,
    process: orphan.process + index,
    atMs: Math.max(0, orphan.atMs - 2_000 + 500 * index),
    workMs: index < 2 ? longMs : 300,
  }))
}

function meet(troubles: readonly Trouble[]) {
  return ([job, meets]: readonly [Job, boolean], index: number): Job => {
    const trouble = meets && troubles[index % troubles.length]
    if (!trouble) return job
    const { process } = trouble
    return { ...job, process, atMs: Math.max(0, trouble.atMs - 1_000 + (job.atMs % 3_000)) }
  }
}

/** Plans with trouble. */
export const troubled: fc.Arbitrary<Plan> = fc
  .record({ ...world, meetings: fc.array(meeting, { minLength: 2, maxLength: 14 }), troubles })
  .map(({ meetings, ...plan }) => ({
    ...plan,
    jobs: [...bystanders(plan.troubles), ...meetings.map(meet(plan.troubles))],
  }))

/** Plans without faults: these allow stricter expectations. */
export const healthy: fc.Arbitrary<Plan> = fc.record({
  ...world,
  processes: fc.constantFrom(3, 4, 5, 5),
  permits: fc.constantFrom(1, 1, 1, 2),
  // The longer messages take, the more of them meet.
  slowestMs: fc.constantFrom(1, 20, 20),
  jobs: fc.array(healthyJob, { minLength: 5, maxLength: 14 }),
  troubles: closing,
})

/** Whether this plan has no faults. */
export function isHealthy({ troubles }: Plan): boolean {
  return troubles.every(({ kind }) => kind === 'close')
}

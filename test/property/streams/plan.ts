// A plan of one run, as plain data: the requests that a client sends to etcd, and the answers of its peer, which stands in
// for the server. Owns how plans are drawn at random.
import fc from 'fast-check'

/** Faults that the answer to any request can have. */
export const troubles = [
  'silence',
  'cut short',
  'reset',
  'end',
  'refusal',
  'go away',
  'destroyed',
  'garbage',
  'empty',
] as const
export type Trouble = (typeof troubles)[number]

export const unaryKinds = ['answer', 'twice'] as const
export const renewalKinds = [
  'answer',
  'twice',
  'other lease',
  'other lease first',
  'expired',
  'after the next',
] as const
export const watchKinds = [
  'live',
  'created twice',
  'events first',
  'events twice',
  'out of order',
  'other watch',
  'cancelled',
  'cancelled without id',
  'no header',
] as const

/** The peer's reaction to one request: after a delay, an answer or a fault. */
export interface Reaction<K> {
  readonly kind: K | Trouble
  readonly afterMs: number
  /** The status of a refusal, or the code of a reset. */
  readonly code: number
}

/** The reaction to a new watch: this many events, and then perhaps a fault. */
export interface WatchReaction extends Reaction<(typeof watchKinds)[number]> {
  readonly events: number
  readonly everyMs: number
  readonly breaks: Trouble | undefined
}

export const verbs = ['txn', 'grant', 'revoke', 'timeToLive', 'renew', 'watch', 'unwatch'] as const

/** The next step of the program. */
export interface Step {
  readonly verb: (typeof verbs)[number]
  /** Selects one of two leases, or one of the existing watches. */
  readonly which: number
  /** The time after which the caller of this step gives up. */
  readonly limitMs: number
  /** Whether the next step waits for the answer. */
  readonly awaited: boolean
  /** The pause after the step. */
  readonly restMs: number
}

/** One run. When a list of reactions is used up, further requests get the right answer at once. */
export interface StreamPlan {
  readonly steps: readonly Step[]
  readonly unary: readonly Reaction<(typeof unaryKinds)[number]>[]
  readonly renewals: readonly Reaction<(typeof renewalKinds)[number]>[]
  readonly watches: readonly WatchReaction[]
  /** Whether the client is closed while the last steps may still be under way. */
  readonly closesEarly: boolean
  /** Whether the peer ignores the id that the client gives a watch, and numbers watches itself, as `etcd grpc-proxy` does. */
  readonly counts?: boolean | undefined
  /** Whether the requests go through a client of the package etcd3, which a caller may pass as the option `client`. */
  readonly etcd3?: boolean | undefined
}

const delayMs = fc.oneof(fc.constant(0), fc.nat(3), fc.nat(25))

function reaction<K extends string>(kinds: readonly K[]): fc.Arbitrary<Reaction<K>> {
  const kind = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<K | Trouble>(...kinds) },
    { weight: 1, arbitrary: fc.constantFrom<K | Trouble>(...troubles) },
  )
  return fc.record({ kind, afterMs: delayMs, code: fc.nat(20) })
}

function watchReaction(): fc.Arbitrary<WatchReaction> {
  const more = fc.record({
    events: fc.nat(4),
    everyMs: fc.nat(4),
    breaks: fc.option(fc.constantFrom(...troubles), { nil: undefined, freq: 2 }),
  })
  return fc.tuple(reaction(watchKinds), more).map(([first, rest]) => ({ ...first, ...rest }))
}

const step: fc.Arbitrary<Step> = fc.record({
  verb: fc.oneof(
    { weight: 3, arbitrary: fc.constant('renew' as const) },
    { weight: 2, arbitrary: fc.constant('watch' as const) },
    { weight: 5, arbitrary: fc.constantFrom(...verbs) },
  ),
  which: fc.nat(1),
  limitMs: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 20, max: 60 })),
  awaited: fc.oneof(fc.constant(true), fc.boolean()),
  restMs: fc.oneof(fc.constant(0), fc.nat(5)),
})

/** Small plans: a run takes some tenths of a second of real time. */
export const streamPlans: fc.Arbitrary<StreamPlan> = fc.record({
  steps: fc.array(step, { minLength: 2, maxLength: 12 }),
  unary: fc.array(reaction(unaryKinds), { maxLength: 6 }),
  renewals: fc.array(reaction(renewalKinds), { maxLength: 6 }),
  watches: fc.array(watchReaction(), { maxLength: 5 }),
  closesEarly: fc.oneof(fc.constant(false), fc.boolean()),
  counts: fc.oneof(fc.constant(false), fc.boolean()),
  etcd3: fc.constantFrom(false, false, false, true),
})

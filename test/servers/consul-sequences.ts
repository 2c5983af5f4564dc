// Random questions to Consul: transactions, sessions, reads and waits, of few keys, so that they meet. Owns the sequences;
// consul-play.ts asks them.
import fc from 'fast-check'
import type * as wire from '../../src/backends/consul/wire/transport.ts'
import type { Target } from '../../src/backends/consul/wire/transport.ts'

/** Names that contain one another, and what sorts otherwise in UTF-16 than in bytes. */
const names = ['a', 'a/1', 'a/b/1', 'ab', '\uffee', '\u{1f512}']
const prefixes = ['', 'a', 'a/', 'a/b/', 'c']
/** The id of no session. */
export const unknownSession = '11111111-2222-3333-4444-555555555555'

/** An index to compare with: 0, the last that was seen of this key, the nth seen of all, or one that never was. */
export type Index = 0 | 'its own' | 'never' | { readonly nth: number }

/** Sessions are numbered in the order in which they were created; one that was not yet is unknown. */
export interface Operation {
  readonly verb: wire.Operation['verb']
  readonly key: string
  readonly value: string
  readonly flags: bigint | undefined
  readonly index: Index
  readonly session: number
}

/** One question to a server. */
export type Step =
  | { readonly ask: 'txn'; readonly operations: readonly Operation[] }
  | { readonly ask: 'create'; readonly lockDelayMs: number }
  | { readonly ask: 'renew' | 'confirm' | 'destroy'; readonly session: number }
  /** With `from`, it blocks from so many below the present index on, which is not to wait at all. */
  | { readonly ask: 'read'; readonly target: Target; readonly from: number }

const writes = ['set', 'cas', 'lock', 'unlock', 'lock', 'unlock', 'delete', 'delete-cas'] as const
const reads = ['get', 'get-tree', 'check-index', 'check-session', 'check-not-exists'] as const
/** Few of each, so that sequences meet. */
const key = fc.oneof({ weight: 3, arbitrary: fc.constant('a') }, fc.constantFrom(...names))
const session = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.constant(1) },
  fc.constant(2),
)
const operation: fc.Arbitrary<Operation> = fc.record({
  verb: fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...writes) }, fc.constantFrom(...reads)),
  key,
  value: fc.constantFrom('', 'x', 'ü'),
  flags: fc.constantFrom(undefined, 0n, 3304740253564472344n, 2n ** 64n - 1n),
  index: fc.oneof(
    { weight: 3, arbitrary: fc.constant('its own' as const) },
    fc.constantFrom(0 as const, 'never' as const),
    fc.record({ nth: fc.integer({ min: 0, max: 9 }) }),
  ),
  session,
})
const target: fc.Arbitrary<Target> = fc.oneof(
  fc.record({ key }),
  fc.record({ prefix: fc.constantFrom(...prefixes) }),
)
const transaction = fc.record({
  ask: fc.constant('txn' as const),
  operations: fc.oneof(
    fc.array(operation, { minLength: 1, maxLength: 1 }),
    fc.array(operation, { minLength: 1, maxLength: 4 }),
  ),
})
/** The steps of most sequences. */
const lock = session.map((number): Step => {
  const held = { verb: 'lock', key: 'a', value: '', flags: undefined, index: 0, session: number } as const
  return { ask: 'txn', operations: [held] }
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: lock },
  { weight: 7, arbitrary: transaction },
  {
    weight: 1,
    arbitrary: fc.record({ ask: fc.constant('create' as const), lockDelayMs: fc.constantFrom(0, 60_000) }),
  },
  { weight: 2, arbitrary: fc.record({ ask: fc.constantFrom('renew', 'confirm', 'destroy'), session }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ask: fc.constant('read' as const),
      target,
      from: fc.constantFrom(0, 0, 1, 5),
    }),
  },
)
/** Sequences of steps, with the lock-delay of their sessions. */
export const sequences = fc.record({
  lockDelayMs: fc.constantFrom(0, 60_000),
  steps: fc.array(step, { minLength: 1, maxLength: 11, size: 'max' }),
})
/** One of them. */
export type Sequence = typeof sequences extends fc.Arbitrary<infer T> ? T : never

/** An operation on the key of a waiter. */
export const plain = { value: 'first', flags: undefined, index: 0, session: 0 } as const
const neighbour = (verb: 'set' | 'delete'): Step => ({
  ask: 'txn',
  operations: [{ ...plain, verb, key: '\uffee' }],
})

/** The keys, the waiters, changes by others that a waiter need not see, and changes that it must see. */
export const waits = fc.record({
  target: fc.constantFrom<Target>({ key: 'a' }, { prefix: 'a' }),
  before: fc.array(transaction, { maxLength: 2 }),
  meanwhile: fc.array(
    fc.constantFrom<Step>(
      neighbour('set'),
      neighbour('delete'),
      { ask: 'create', lockDelayMs: 0 },
      { ask: 'renew', session: 0 },
      { ask: 'confirm', session: 0 },
      { ask: 'read', target: { prefix: '' }, from: 0 },
    ),
    { maxLength: 3 },
  ),
  change: fc.constantFrom('set', 'delete', 'destroy'),
})

/** A wait for a change. */
export type Waiting = typeof waits extends fc.Arbitrary<infer T> ? T : never

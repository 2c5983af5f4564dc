// Random questions to etcd: transactions, leases and watches, of few keys, so that they meet. Owns the sequences;
// etcd-play.ts asks them.
import fc from 'fast-check'
import type { KeyRange } from '../../src/backends/etcd/wire/transport.ts'

/**
 * Names that contain one another, names that sort differently in UTF-16 than in bytes, and keys that no name can
 * contain.
 */
export const keys = [
  'a',
  'a/',
  'a/1',
  'a/2',
  'a/b/1',
  'ab/1',
  'a/\0x',
  '\0leasehold/a',
  'a/\uffee',
  'a/\u{1f512}',
]
/** The last two are all keys and no key. */
const ranges: readonly KeyRange[] = [
  { key: 'a/', end: 'a0' },
  { key: 'a', end: 'b' },
  { key: 'a/b/', end: 'a/b0' },
  { key: 'a/1', end: 'a/3' },
  { key: '\0leasehold/', end: '\0leasehold0' },
  { key: '\0', end: '\0' },
  { key: 'b', end: 'a' },
]
/** Deletes every key. */
export const everything = { request_delete_range: { key: Buffer.from('\0'), range_end: Buffer.from('\0') } }

/** Revisions are counted from the beginning of the sequence; 0 is etcd's own 0. */
export type Comparison =
  | { readonly if: 'absent'; readonly key: string }
  | { readonly if: 'createdAt'; readonly key: string; readonly revision: number }
  | { readonly if: 'noneSince'; readonly range: KeyRange; readonly revision: number }
  | { readonly if: 'versionIs'; readonly key: string; readonly times: number }

/** A lease of 0 is no lease; the others are numbered within the sequence. */
export type Operation =
  | { readonly do: 'get' | 'touch' | 'remove'; readonly key: string }
  | { readonly do: 'put'; readonly key: string; readonly value: string; readonly lease: number }
  | { readonly do: 'latest'; readonly range: KeyRange; readonly limit: number; readonly before: number }
  | { readonly do: 'inOrder'; readonly range: KeyRange; readonly limit: number }
  | { readonly do: 'keysInOrder'; readonly range: KeyRange; readonly limit: number }
  | { readonly do: 'leases'; readonly range: KeyRange; readonly from: number; readonly to: number }

/** One question to a server. */
export type Step =
  | {
      readonly ask: 'txn'
      readonly compare: readonly Comparison[]
      readonly success: readonly Operation[]
      readonly failure: readonly Operation[]
    }
  | { readonly ask: 'grant' | 'keepAlive' | 'revoke'; readonly lease: number }
  | { readonly ask: 'watch'; readonly range: KeyRange }

/** Only a few keys, so that the steps of a sequence meet. */
const key = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('a/1', 'a/2') },
  { weight: 3, arbitrary: fc.constantFrom(...keys) },
)
const single = key.map((name): KeyRange => ({ key: name }))
const range = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...ranges) }, single)
/** etcd refuses to watch a range that cannot contain a key. */
const watched = fc.oneof(fc.constantFrom(...ranges.slice(0, -1)), single)
const revision = fc.integer({ min: 0, max: 8 })
const lease = fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 3 }))
const maybeLease = fc.oneof(fc.constant(0), lease)

const comparison: fc.Arbitrary<Comparison> = fc.oneof(
  fc.record({ if: fc.constant('absent' as const), key }),
  fc.record({ if: fc.constant('createdAt' as const), key, revision }),
  // Only ranges with an end: in a read-only transaction etcd 3.5 treats a missing end as an empty range.
  fc.record({ if: fc.constant('noneSince' as const), range: fc.constantFrom(...ranges), revision }),
  fc.record({ if: fc.constant('versionIs' as const), key, times: fc.integer({ min: 0, max: 3 }) }),
)
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      key,
      value: fc.constantFrom('', 'x', 'ü'),
      lease: maybeLease,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('get', 'touch', 'remove'), key }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('latest' as const),
      range,
      limit: fc.integer({ min: 0, max: 3 }),
      before: revision,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('inOrder', 'keysInOrder'),
      range,
      limit: fc.integer({ min: 0, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('leases' as const), range, from: revision, to: revision }),
  },
)
const operations = fc.array(operation, { maxLength: 4 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      ask: fc.constant('txn' as const),
      compare: fc.array(comparison, { maxLength: 2 }),
      success: operations,
      failure: operations,
    }),
  },
  { weight: 4, arbitrary: fc.record({ ask: fc.constantFrom('grant', 'keepAlive', 'revoke'), lease }) },
  { weight: 1, arbitrary: fc.record({ ask: fc.constant('watch' as const), range: watched }) },
)
/** Sequences of steps. */
export const sequences = fc.array(step, { minLength: 1, maxLength: 12, size: 'max' })

/** Most leases in a sequence should exist. */
export const grant: Step = { ask: 'grant', lease: 1 }

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { holdsForAll } from '../draw.ts'
import { type Seen, stepsOf } from './diary.ts'
import { isLinearizable, type Step } from './history.ts'

const never = Infinity
const acquire = (hold: number, token: number, fromMs: number, untilMs: number): Step => ({
  kind: 'acquire',
  hold,
  token: BigInt(token),
  fromMs,
  untilMs,
  optional: false,
})
const step = (kind: Step['kind'], hold: number, fromMs: number, untilMs: number, optional = false): Step => ({
  kind,
  hold,
  fromMs,
  untilMs,
  optional,
})

test.each<[string, boolean, Step[]]>([
  ['one after the other', true, [acquire(1, 1, 0, 1), step('release', 1, 2, 3), acquire(2, 2, 1, 4)]],
  ['two at a time', false, [acquire(1, 1, 0, 1), acquire(2, 2, 2, 3), step('release', 1, 4, 5)]],
  [
    'the second while the first is being released',
    true,
    [acquire(1, 1, 0, 1), step('release', 1, 2, 9), acquire(2, 2, 3, 4)],
  ],
  ['a token that goes back', false, [acquire(1, 5, 0, 1), step('release', 1, 2, 3), acquire(2, 4, 4, 5)]],
  [
    'a holder that expired',
    true,
    [acquire(1, 1, 0, 1), step('expire', 1, 10, never, true), acquire(2, 2, 2, 11)],
  ],
  [
    'a holder that had not yet expired',
    false,
    [acquire(1, 1, 0, 1), step('expire', 1, 10, never, true), acquire(2, 2, 2, 9)],
  ],
  [
    'one who reads held after the next one holds',
    false,
    [acquire(1, 1, 0, 1), step('expire', 1, 5, never, true), acquire(2, 2, 6, 7), step('held', 1, 8, 8)],
  ],
  [
    'a release that was never answered',
    true,
    [acquire(1, 1, 0, 1), step('release', 1, 2, never, true), acquire(2, 2, 3, 4)],
  ],
])('%s: %s', (_, possible, steps) => {
  expect(isLinearizable(steps)).toBe(possible)
})

test('it agrees with a search that tries every order', async ({ task }) => {
  const kinds = fc.constantFrom<Step['kind']>('acquire', 'release', 'held', 'expire')
  const any: fc.Arbitrary<Step> = fc
    .record({
      kind: kinds,
      hold: fc.nat(1),
      token: fc.bigInt(1n, 3n),
      fromMs: fc.nat(6),
      lasts: fc.nat(4),
      optional: fc.boolean(),
    })
    .map(({ lasts, ...rest }) => ({ ...rest, untilMs: rest.fromMs + lasts }))
  const property = fc.property(fc.array(any, { maxLength: 5 }), (steps) => {
    expect(isLinearizable(steps)).toBe(orders(steps).some(isAllowed))
  })
  await holdsForAll(task, property, { numRuns: 3_000 })
})

const seen = (token: number, calledMs: number, givenMs: number, believedMs: number | undefined): Seen => ({
  process: 'p0',
  token: BigInt(token),
  calledMs,
  givenMs,
  believedMs,
})

test.each<[string, boolean, Seen[]]>([
  ['each begins after the one before', true, [seen(1, 0, 1, 5), seen(2, 0, 6, 9), seen(3, 2, 10, 12)]],
  [
    'the next one is told in the instant in which the one before ends',
    true,
    [seen(1, 0, 1, 5), seen(2, 0, 5, 9)],
  ],
  ['one believes on after the next one has begun', false, [seen(1, 0, 1, 7), seen(2, 0, 6, 9)]],
  [
    'one believes on after the next but one has begun',
    false,
    [seen(1, 0, 1, 9), seen(2, 0, 6, 6), seen(3, 0, 8, 9)],
  ],
  ['who called after another had the lock has a smaller token', false, [seen(2, 0, 1, 1), seen(1, 2, 3, 3)]],
  [
    'an answer is late, and an operator has taken the lock from its reader',
    true,
    [seen(2, 0, 5, 5), seen(1, 0, 9, undefined)],
  ],
  ['an answer is late, and its reader believes it', false, [seen(2, 0, 5, 5), seen(1, 0, 9, 9)]],
  ['two have one token', false, [seen(1, 0, 1, 1), seen(1, 2, 3, 3)]],
])('the history of a mutex that programs saw: %s: %s', (_, possible, holds) => {
  expect(isLinearizable(stepsOf(holds))).toBe(possible)
})

test('a long history is judged at once, even one with two holders at a time', () => {
  const line = Array.from({ length: 60 }, (_, at) => seen(at + 1, 0, 10 * at + 1, 10 * at + 9))
  expect(isLinearizable(stepsOf(line))).toBe(true)
  const wrong = line.map((hold, at) => (at === 20 ? { ...hold, believedMs: 10 * at + 12 } : hold))
  expect(isLinearizable(stepsOf(wrong))).toBe(false)
}, 2_000)

/** Every order of every choice of steps that includes all required steps. */
function orders(steps: readonly Step[]): Step[][] {
  const rest = (at: number): Step[] => steps.filter((_, other) => other !== at)
  const longer = steps.flatMap((first, at) => orders(rest(at)).map((order) => [first, ...order]))
  return steps.every(({ optional }) => optional) ? [[], ...longer] : longer
}

function isAllowed(order: readonly Step[]): boolean {
  const inTime = order.every((step, at) => order.slice(at + 1).every((later) => later.untilMs >= step.fromMs))
  let holder: number | undefined
  let largest = 0n
  for (const { kind, hold, token = 0n } of order) {
    if (kind === 'acquire' ? holder !== undefined || token <= largest : holder !== hold) return false
    if (kind === 'acquire') [holder, largest] = [hold, token]
    if (kind === 'release' || kind === 'expire') holder = undefined
  }
  return inTime
}

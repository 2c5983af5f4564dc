// When a claim is asked about again: after news at once, since others may race for the lock; after wakes without news, as
// of a watch that fails at once, more and more seldom.
import { expect, test } from 'vitest'
import { pause } from '../../src/base/clock.ts'
import { Scope } from '../../src/base/scope.ts'
import type { Backend, Claim } from '../../src/contract.ts'
import { untilAnswered } from '../../src/core/admission.ts'
import { Limits } from '../../src/core/limits.ts'
import { ManualClock } from './manual-clock.ts'

const always = { fresh: true, untilFresh: async () => {} }
const never = { ttlMs: 15_000, coveredMs: 15_000, claimsLost: 0, sent: new ManualClock().mark(), ...always }
/** How long each claim holds that took the lock first. */
const turnMs = 120

/** Runs a claim that holds at its 50th attempt. Returns the number of attempts in the time of 50 turns. */
async function asked(behind: (times: number) => string): Promise<number> {
  const clock = new ManualClock()
  let times = 0
  const backend = {
    attempt: async () => {
      times += 1
      return times < 50 ? { held: false, ahead: 1, behind: behind(times) } : { held: true, token: 1n }
    },
    changed: (_claim: Claim, _answer: unknown, signal: AbortSignal) => pause(clock, turnMs, signal),
  } as unknown as Backend
  const claim = { wait: true } as Claim
  const scope = new Scope()
  const limits = new Limits(clock)
  const request = { clock, limits, origin: { store: 'memory:', client: {} }, requestMs: undefined, scope }
  const seen = { delayed: false, isOwn: false }
  const asking = { backend, claim, request, session: never, onWait: undefined, seen }
  const ended = untilAnswered(asking).catch(() => {})
  await clock.advance(50 * turnMs)
  scope.end('over')
  await ended
  return times
}

test('a claim that loses one race after another asks again each time that another claim gets the lock', async () => {
  expect(await asked((times) => `holder ${times}`)).toBe(50)
})

test('after wakes without news a claim asks less and less often', async () => {
  const times = await asked(() => 'the same holder')
  expect(times).toBeGreaterThan(5)
  expect(times).toBeLessThan(20)
})

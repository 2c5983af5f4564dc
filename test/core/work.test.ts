// How long work may go on after it has to stop, on a clock that the test moves.
import { expect, test } from 'vitest'
import { HoldLostError } from '../../src/base/errors.ts'
import { awaitWithGrace } from '../../src/core/grace.ts'
import { ManualClock } from './manual-clock.ts'

const endless = new Promise<never>(() => {})

test.for([
  ['while it goes on', false],
  ['before it began', true],
] as const)('work that has to stop gets exactly the grace, if it was asked %s', async ([, before]) => {
  const clock = new ManualClock()
  const stop = new AbortController()
  if (before) stop.abort()
  let ended: unknown = 'not yet'
  void awaitWithGrace(endless, stop.signal, { clock, graceMs: 1_000, name: 'a' }).then((error) => {
    ended = error
  })
  if (!before) {
    await clock.advance(5_000)
    stop.abort()
  }

  await clock.advance(999)
  expect(ended).toBe('not yet')
  await clock.advance(1)
  expect(ended).toBeInstanceOf(HoldLostError)
  expect(clock.timers).toBe(0)
})

test('work that ends within its grace causes no error, and no timer stays', async () => {
  const clock = new ManualClock()
  const work = new Promise<void>((resolve) => clock.after(500, resolve))
  const ended = awaitWithGrace(work, AbortSignal.abort(), { clock, graceMs: 1_000, name: 'a' })
  await clock.advance(500)
  expect(await ended).toBeUndefined()
  expect(clock.timers).toBe(0)
})

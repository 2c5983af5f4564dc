// The time limits of a client's requests: one timer serves all of them, and a signal is used by one request after another.
// Each request still ends at its own time, and for its own reason.
import { expect, test } from 'vitest'
import { untilAborted } from '../../src/base/abort.ts'
import { UnavailableError } from '../../src/base/errors.ts'
import { Scope } from '../../src/base/scope.ts'
import { Limits } from '../../src/core/limits.ts'
import { ManualClock } from './manual-clock.ts'

const limitMs = 3_000

function scene(leavesSignals = true) {
  const clock = new ManualClock()
  return { clock, limits: new Limits(clock, { leavesSignals }), scope: new Scope() }
}

test('each request that gets no answer ends at its own time, whichever began first', async () => {
  const { clock, limits, scope } = scene()
  const long = limits.begin(scope, limitMs)
  await clock.advance(100)
  const short = limits.begin(scope, 500)
  await clock.advance(400)
  const last = limits.begin(scope, limitMs)
  expect([long, short, last].map(({ signal }) => signal.aborted)).toEqual([false, false, false])
  await clock.advance(100)
  expect(short.signal.reason).toEqual(new UnavailableError('the store did not answer within 500 ms'))
  expect(long.signal.aborted).toBe(false)
  await clock.advance(limitMs - 600)
  expect(long.signal.aborted).toBe(true)
  expect(last.signal.aborted).toBe(false)
  await clock.advance(500)
  expect(last.signal.aborted).toBe(true)
})

test('a thousand requests that are answered set one timer, and none is left when their client has closed', async () => {
  const { clock, limits, scope } = scene()
  for (let request = 0; request < 1_000; request += 1) {
    limits.end(limits.begin(scope, limitMs))
    expect(clock.timers).toBe(1)
  }
  limits.close()
  expect(clock.timers).toBe(0)
  const late = limits.begin(scope, limitMs)
  await clock.advance(limitMs)
  expect(late.signal.aborted).toBe(true)
  limits.end(late)
  expect(clock.timers).toBe(0)
})

test('a request ends with the reason of its scope, and one that is over no longer does', () => {
  const { limits, scope } = scene()
  const [over, running] = [limits.begin(scope, limitMs), limits.begin(scope, limitMs)]
  limits.end(over)
  scope.end('enough')
  expect(over.signal.aborted).toBe(false)
  expect(running.signal.reason).toBe('enough')
  expect(limits.begin(scope, limitMs).signal.reason).toBe('enough')
})

test('a request gets the signal of one before, and ends at its own time', async () => {
  const { clock, limits, scope } = scene()
  const before = limits.begin(scope, limitMs)
  const { signal } = before
  await clock.advance(limitMs / 2)
  limits.end(before)
  const next = limits.begin(new Scope(), limitMs)
  expect(next.signal).toBe(signal)
  scope.end('of the request before')
  await clock.advance(limitMs - 1)
  expect(signal.aborted).toBe(false)
  await clock.advance(1)
  expect(signal.aborted).toBe(true)
})

test('no request gets a signal that is aborted', async () => {
  const { clock, limits, scope } = scene()
  const late = limits.begin(scope, limitMs)
  await clock.advance(limitMs)
  limits.end(late)
  expect(limits.begin(scope, limitMs).signal.aborted).toBe(false)
})

test('a part of a request that goes on after its answer is not ended by a later request', async () => {
  const { clock, limits, scope } = scene()
  const request = limits.begin(scope, limitMs)
  const part = untilAborted(request.signal, () => () => {}).catch(() => 'ended')
  limits.end(request)
  const next = limits.begin(scope, limitMs)
  await clock.advance(limitMs)
  expect(next.signal.aborted).toBe(true)
  expect(await Promise.race([part, Promise.resolve('goes on')])).toBe('goes on')
})

test('a store whose methods may go on with their signals gets a new one for each request', () => {
  const { limits, scope } = scene(false)
  const before = limits.begin(scope, limitMs)
  limits.end(before)
  expect(limits.begin(scope, limitMs).signal).not.toBe(before.signal)
})

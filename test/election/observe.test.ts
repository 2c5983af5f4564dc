// Observers of an election on a store that fails: what ends the loop, and what it goes on after.
import { expect, test } from 'vitest'
import { type ObserveOptions, RefusedError } from '../../src/index.ts'
import { settle } from '../core/manual-clock.ts'
import { type Scene, scene } from './scene.ts'

/** An observer, the leaders that it saw, and the errors that it got. */
function observe({ other }: Scene, options: ObserveOptions = {}) {
  const seen: (string | undefined)[] = []
  const errors: unknown[] = []
  const onError = (error: unknown): void => void errors.push(error)
  const ended = (async () => {
    for await (const leader of other.election('a').observe({ onError, ...options })) seen.push(leader?.value)
  })()
  ended.catch(() => {})
  return { seen, errors, ended }
}

test('an observer gets the error if the store refuses an answer that it gave before, and goes on', async () => {
  const here = await scene()
  here.store.watches = 'hang' // or the event would prove the answer
  const { seen, errors } = observe(here)
  await settle()
  here.store.faults.set('observe', 'forbid')
  const term = await here.one.election('a').campaign({ value: 'one' })
  await here.clock.advance(30_000)
  expect(errors.length).toBeGreaterThan(2)
  for (const error of errors) expect(error).toBeInstanceOf(RefusedError)
  expect(seen).toEqual([undefined])
  here.store.faults.clear()
  await here.clock.advance(15_000)
  expect(seen).toEqual([undefined, 'one'])
  await term.resign()
})

test('an observer to whom the store refuses the first answer is told by the loop', async () => {
  const here = await scene()
  here.store.faults.set('observe', 'forbid')
  const { errors, ended } = observe(here)
  await expect(ended).rejects.toThrow(RefusedError)
  expect(errors).toEqual([])
})

test('an observer that calls a later refusal fatal is told by the loop', async () => {
  const here = await scene()
  const { ended } = observe(here, { fatal: (error) => error instanceof RefusedError })
  await settle()
  here.store.faults.set('observe', 'forbid')
  const refused = expect(ended).rejects.toThrow(RefusedError)
  await here.clock.advance(15_000)
  await refused
})

test('an observer that is left while it waits ends at once, and its loop with it', async () => {
  const here = await scene()
  const observing = here.other.election('a').observe()
  expect(await observing.next()).toEqual({ done: false, value: undefined })
  const next = observing.next()
  await settle()
  await observing.return(undefined as never)
  expect(await next).toEqual({ done: true, value: undefined })
  expect(await observing.next()).toEqual({ done: true, value: undefined })
  await Promise.all([here.one.close(), here.other.close()])
  expect(here.clock.timers).toBe(0)
})

test('an observer that is left before it began asks nothing', async () => {
  const here = await scene()
  const observing = here.other.election('a').observe()
  await observing[Symbol.asyncDispose]()
  expect(await observing.next()).toEqual({ done: true, value: undefined })
  expect(here.store.count('observe')).toBe(0)
})

test('an observer that is cut off is stale soon after a time to live, hears why, and is no longer when it is back', async () => {
  const here = await scene()
  const errors: unknown[] = []
  const observing = here.other.election('a').observe({ onError: (error) => errors.push(error) })
  expect([observing.asOfMs, observing.stale]).toEqual([undefined, true])
  await observing.next()
  const next = observing.next()
  await here.clock.advance(60_000)
  expect(observing.stale).toBe(false)
  const lastMs = observing.asOfMs ?? 0
  expect(here.clock.wallMs() - lastMs).toBeLessThanOrEqual(12_000)
  here.store.faults.set('observe', 'hang')
  here.store.watches = 'hang'
  await here.clock.advance(15_100)
  expect(observing.stale).toBe(true)
  expect(errors.length).toBeGreaterThan(0)
  here.store.faults.clear()
  await here.clock.advance(4_000)
  expect(observing.stale).toBe(false)
  await observing.return(undefined as never)
  await next
})

test('an observer hears that a leader has resigned before the next one leads', async () => {
  const here = await scene()
  const { seen } = observe(here)
  const term = await here.one.election('a').campaign({ value: 'one' })
  await here.clock.advance(100)
  await term.resign()
  await here.clock.advance(100)
  expect(seen).toEqual([undefined, 'one', undefined])
  const next = await here.one.election('a').campaign({ value: 'next' })
  await here.clock.advance(100)
  expect(seen).toEqual([undefined, 'one', undefined, 'next'])
  await next.resign()
})

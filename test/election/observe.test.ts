// Observers of an election on a store that fails: what ends the loop, and what it goes on after.
import { expect, test } from 'vitest'
import { type ObserveOptions, RefusedError } from '../../src/index.ts'
import { settle } from '../core/manual-clock.ts'
import { type Scene, scene } from './scene.ts'

/** An observer, what it saw, and what it was told of. */
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

test('an observer to whom the store refuses an answer that it gave before hears of it, and goes on', async () => {
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

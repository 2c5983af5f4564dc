// Candidates that never led, or that gave up: which events they must not get, and that they never win.
import { expect, test } from 'vitest'
import { connect, type Leasehold } from '../../src/index.ts'
import { FaultyStore } from '../core/faulty.ts'
import { ManualClock, settle } from '../core/manual-clock.ts'

const ttlMs = 10_000

interface Scene {
  readonly clock: ManualClock
  readonly store: FaultyStore
  readonly one: Leasehold
  readonly other: Leasehold
}

async function scene(): Promise<Scene> {
  const clock = new ManualClock()
  const store = new FaultyStore()
  const [one, other] = await Promise.all([1, 2].map(() => connect(store.source, { clock, ttlMs })))
  if (!one || !other) throw new Error('two clients')
  return { clock, store, one, other }
}

test('a candidate that has to stop before it ever led gets no term, no loss and no error', async () => {
  const { clock, one, other } = await scene()
  const term = await one.election('a').campaign({ value: 'one' })
  const stop = new AbortController()
  const heard: unknown[] = []
  const leading = other.election('a').lead(() => heard.push('a term'), {
    signal: stop.signal,
    onError: (error) => heard.push(error),
  })
  await settle()
  expect(await one.line('a')).toHaveLength(2)
  stop.abort()
  await leading
  await term.resign()
  await clock.advance(ttlMs)
  expect(heard).toEqual([])
  expect(await one.election('a').leader()).toBeUndefined()
})

test('a candidate that gave up while it waited never leads, even if its turn comes at once', async () => {
  const { clock, one, other } = await scene()
  for (let step = 0; step < 40; step += 1) {
    const term = await one.election('a').campaign({ value: 'one' })
    const stop = new AbortController()
    const campaign = other.election('a').campaign({ value: 'other', signal: stop.signal })
    const told = campaign.then(
      (won) => won.resign().then(() => 'led'),
      (reason) => reason,
    )
    await settle()
    stop.abort('gave up')
    for (let tick = 0; tick < step; tick += 1) await Promise.resolve()
    await term.resign()
    expect(await told).toBe('gave up')
    await clock.advance(10)
    expect(await one.election('a').leader()).toBeUndefined()
  }
})

test('a standby survives an outage that is longer than its session, and leads when the outage is over', async () => {
  const { clock, store, one, other } = await scene()
  const term = await one.election('a').campaign({ value: 'one' })
  const stop = new AbortController()
  const terms: bigint[] = []
  const leading = other.election('a').lead(({ token }) => void terms.push(token), {
    signal: stop.signal,
    onError: () => {},
  })
  await settle()
  store.breakAll('refuse')
  await clock.advance(100 * ttlMs)
  expect([term.held, terms]).toEqual([false, []])
  store.faults.clear()
  await clock.advance(2 * ttlMs)
  expect(terms.length).toBeGreaterThan(0)
  stop.abort()
  await clock.advance(ttlMs)
  await leading
})

// How long a silent store is asked: for the time that the caller gives, and not a number of retries. On a manual clock.
import { expect, test } from 'vitest'
import { connect, type Leasehold, UnavailableError, WaitTimeoutError } from '../../src/index.ts'
import { refusalOf } from '../refusal.ts'
import { type Fault, FaultyStore } from './faulty.ts'
import { ManualClock, settle } from './manual-clock.ts'

const ttlMs = 10_000
const outages: Fault[] = ['refuse', 'hang']

/** The outcome of a promise until now. */
function watched<T>(promise: Promise<T>): { outcome: T | Error | 'pending' } {
  const seen: { outcome: T | Error | 'pending' } = { outcome: 'pending' }
  promise.then(
    (value) => (seen.outcome = value),
    (error) => (seen.outcome = error),
  )
  return seen
}

async function scene(): Promise<{ clock: ManualClock; store: FaultyStore; client: Leasehold }> {
  const clock = new ManualClock()
  const store = new FaultyStore()
  return { clock, store, client: await connect(store.source, { clock, ttlMs }) }
}

/** Moves the clock in steps, so that a timer set by one step starts at the right time for the next one. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 500) await clock.advance(Math.min(500, left))
  await settle()
}

test.each(outages)(
  'acquire with a waitMs of ten minutes outlasts an outage of the store (%s)',
  async (fault) => {
    const { clock, store, client } = await scene()
    store.faults.set('attempt', fault)
    const acquiring = watched(client.mutex('a').acquire({ waitMs: 600_000 }))
    await pass(clock, 120_000)
    expect(acquiring.outcome).toBe('pending')
    store.faults.clear()
    await pass(clock, 5_000)
    expect(acquiring.outcome).toMatchObject({ held: true })
  },
)

test.each(outages)(
  'a call whose process was stopped before the store answered rejects, and does not say that the name is taken (%s)',
  async (fault) => {
    const { clock, store, client } = await scene()
    store.faults.set('attempt', fault)
    const calls = [client.mutex('a').tryAcquire(), client.mutex('b').acquire({ waitMs: 2_000 })].map(watched)
    await settle()
    clock.block(10 * ttlMs)
    await pass(clock, 500)
    for (const { outcome } of calls) expect(outcome).toBeInstanceOf(UnavailableError)
    store.faults.clear()
    await pass(clock, 5_000)
    expect(await client.mutex('a').tryAcquire()).toMatchObject({ held: true })
  },
)

test.each(outages)(
  'acquire rejects when its waitMs is over, and says that the store was silent (%s)',
  async (fault) => {
    const { clock, store, client } = await scene()
    store.breakAll(fault)
    const acquiring = watched(client.mutex('a').acquire({ waitMs: 60_000 }))
    await pass(clock, 59_000)
    expect(acquiring.outcome).toBe('pending')
    await pass(clock, 1_500)
    expect(acquiring.outcome).toBeInstanceOf(UnavailableError)
    expect((acquiring.outcome as Error).message).toMatch(/did not answer/)
  },
)

test.each(outages)('acquire with a waitMs of 0 takes no longer than two requests (%s)', async (fault) => {
  const { clock, store, client } = await scene()
  store.faults.set('attempt', fault)
  const acquiring = watched(client.mutex('a').acquire({ waitMs: 0 }))
  const trying = watched(client.mutex('b').tryAcquire())
  await pass(clock, 6_000)
  expect(acquiring.outcome).toBeInstanceOf(UnavailableError)
  expect(trying.outcome).toBeInstanceOf(UnavailableError)
})

test('acquire with a waitMs of 0 succeeds although one request was not answered', async () => {
  const { clock, store, client } = await scene()
  store.faults.set('attempt', 'hang')
  const acquiring = watched(client.mutex('a').acquire({ waitMs: 0 }))
  await settle()
  store.faults.clear()
  await pass(clock, 3_500)
  expect(acquiring.outcome).toMatchObject({ held: true })
})

test.each(outages)(
  'connect waits for as long as its waitMs says for a store that is not up yet (%s)',
  async (fault) => {
    const clock = new ManualClock()
    const store = new FaultyStore()
    store.breakAll(fault)
    const connecting = watched(connect(store.source, { clock, ttlMs, waitMs: 60_000 }))
    await pass(clock, 50_000)
    expect(connecting.outcome).toBe('pending')
    store.faults.clear()
    await pass(clock, 5_000)
    expect(connecting.outcome).toHaveProperty('ttlMs', ttlMs)
  },
)

test.each(outages)('connect gives up after 5 s by default, and leaves no timer (%s)', async (fault) => {
  const clock = new ManualClock()
  const store = new FaultyStore()
  store.breakAll(fault)
  const connecting = watched(connect(store.source, { clock, ttlMs }))
  await pass(clock, 4_500)
  expect(connecting.outcome).toBe('pending')
  await pass(clock, 1_000)
  expect(connecting.outcome).toBeInstanceOf(UnavailableError)
  const asked = store.count('createSession')
  await pass(clock, 60_000)
  expect(store.count('createSession')).toBe(asked)
})

test('connect rejects with the reason of its signal at once, and opens no session later', async () => {
  const clock = new ManualClock()
  const store = new FaultyStore()
  store.breakAll('hang')
  const giveUp = new AbortController()
  const connecting = watched(connect(store.source, { clock, ttlMs, waitMs: 60_000, signal: giveUp.signal }))
  await pass(clock, 1_000)
  giveUp.abort(new Error('enough'))
  await settle()
  expect(connecting.outcome).toEqual(new Error('enough'))
  const asked = store.count('createSession')
  store.faults.clear()
  await pass(clock, 60_000)
  expect(store.count('createSession')).toBe(asked)
  const early = await refusalOf(() => connect(store.source, { clock, signal: giveUp.signal }))
  expect(early).toEqual(new Error('enough'))
})

test('a session may take longer to open than a third of its time to live: a slow network has several round trips', async () => {
  const clock = new ManualClock()
  const store = new FaultyStore()
  store.lateMs.set('createSession', 1_000)
  const connecting = watched(connect(store.source, { clock, ttlMs: 2_000 }))
  await pass(clock, 1_500)
  expect(connecting.outcome).toHaveProperty('ttlMs', 2_000)
})

test('the error for a name that is not free mentions a lock-delay only if the store did', async () => {
  const { clock, client } = await scene()
  const hold = await client.mutex('a').acquire()
  const acquiring = watched(client.mutex('a').acquire({ waitMs: 1_000 }))
  await pass(clock, 1_500)
  expect(acquiring.outcome).toBeInstanceOf(WaitTimeoutError)
  expect((acquiring.outcome as Error).message).toMatch(/held by/)
  expect((acquiring.outcome as Error).message).not.toMatch(/lock-delay/)
  await hold.release()
})

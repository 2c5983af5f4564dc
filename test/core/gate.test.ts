// Many calls of one client at a time, on a store that takes only some requests at once: none of them passes for an outage,
// and none delays a renewal.
import { expect, test } from 'vitest'
import { connect, type Leasehold } from '../../src/index.ts'
import { FaultyStore } from './faulty.ts'
import { ManualClock, settle } from './manual-clock.ts'

const ttlMs = 9_000
/** The time limit of one request. */
const requestMs = 2_700
const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']

interface Scene {
  readonly clock: ManualClock
  readonly store: FaultyStore
  readonly client: Leasehold
}

async function scene(): Promise<Scene> {
  const [clock, store] = [new ManualClock(), new FaultyStore()]
  store.facts = { requestsAtOnce: 2 }
  return { clock, store, client: await connect(store.source, { clock, ttlMs }) }
}

test('a call waits until it can be sent, and its time begins then', async () => {
  const { clock, store, client } = await scene()
  store.lateMs.set('attempt', 300)
  const acquiring = Array.from({ length: 30 }, (_, index) => client.mutex(`n${index}`).acquire())
  await settle()
  expect(store.count('attempt')).toBe(2)
  await clock.advance(requestMs)
  expect(store.count('attempt')).toBe(20)
  await clock.advance(2_000)
  for (const hold of await Promise.all(acquiring)) expect(hold.held).toBe(true)
})

/** The outcomes of calls that do not wait, one for each name, as far as they have settled. */
function trying({ client }: Scene, count: number): (boolean | string)[] {
  const outcomes: (boolean | string)[] = []
  for (let index = 0; index < count; index += 1)
    client
      .mutex(`n${index}`)
      .tryAcquire()
      .then(
        (hold) => outcomes.push(hold?.held === true),
        (error) => outcomes.push(error.constructor.name),
      )
  return outcomes
}

/** An answer after this time needs no confirmation. */
const soonMs = 250

test('of many calls that do not wait each gets its answer, however long it takes until it can be sent', async () => {
  const the = await scene()
  the.store.lateMs.set('attempt', soonMs)
  const outcomes = trying(the, 100)
  await the.clock.advance(2 * requestMs)
  expect(outcomes).toEqual(Array.from({ length: 2 * Math.floor((2 * requestMs) / soonMs) }, () => true))
  await the.clock.advance(50 * soonMs - 2 * requestMs)
  expect(outcomes).toEqual(Array.from({ length: 100 }, () => true))
})

test('of many calls that the store refuses each gets the refusal, however long it takes until it can be sent', async () => {
  const the = await scene()
  the.store.lateMs.set('attempt', soonMs)
  the.store.faults.set('attempt', 'forbid')
  const outcomes = trying(the, 100)
  await the.clock.advance(50 * soonMs)
  expect(outcomes).toEqual(Array.from({ length: 100 }, () => 'RefusedError'))
})

test('many calls that do not wait end in the time of two requests if the store answers none of them', async () => {
  const the = await scene()
  the.store.faults.set('attempt', 'hang')
  const outcomes = trying(the, 20)
  await the.clock.advance(2 * requestMs - 1)
  expect(outcomes).toEqual([])
  await the.clock.advance(1)
  expect(outcomes).toEqual(Array.from({ length: 20 }, () => 'UnavailableError'))
})

test('a store that falls silent holds up calls that do not wait for the time of two requests after its last answer', async () => {
  const the = await scene()
  the.store.lateMs.set('attempt', soonMs)
  const outcomes = trying(the, 100)
  await the.clock.advance(8 * soonMs)
  the.store.breakAll('hang')
  await the.clock.advance(soonMs) // the answers to the two that were under way
  expect(outcomes).toEqual(Array.from({ length: 18 }, () => true))
  await the.clock.advance(2 * requestMs - 1)
  expect(outcomes).toHaveLength(18)
  await the.clock.advance(1)
  expect(outcomes.slice(18)).toEqual(Array.from({ length: 82 }, () => 'UnavailableError'))
})

test('renewals wait for no other request', async () => {
  const { clock, store, client } = await scene()
  const hold = await client.mutex('held').acquire()
  store.faults.set('attempt', 'hang')
  const asked = names.map((name) => client.mutex(name).acquire({ waitMs: 5 * ttlMs }))
  const refused = Promise.allSettled(asked)
  await clock.advance(4 * ttlMs)
  expect(hold.held).toBe(true)
  await clock.advance(2 * ttlMs)
  expect((await refused).every(({ status }) => status === 'rejected')).toBe(true)
})

test.each(['refuse', 'forbid', 'surprise', 'hang'] as const)(
  'requests that failed (%s), and callers that gave up before theirs was sent, keep no place',
  async (fault) => {
    const { clock, store, client } = await scene()
    store.faults.set('attempt', fault)
    const limit = new AbortController()
    const asked = names.map((name) => client.mutex(name).acquire({ signal: limit.signal }))
    const refused = Promise.allSettled(asked)
    await settle()
    limit.abort('enough')
    await refused
    store.faults.clear()
    store.asked.length = 0
    const holds = Promise.all(names.map((name) => client.mutex(name).acquire()))
    await clock.advance(1)
    expect(await holds).toHaveLength(names.length)
    expect(store.count('attempt')).toBe(names.length)
  },
)

test('the holds of a client are verified at the same moments, at least every third of the time to live', async () => {
  const { clock, store, client } = await scene()
  for (const name of names) {
    await client.mutex(name).acquire()
    await clock.advance(100)
  }
  await clock.advance(ttlMs)
  const moments: number[] = []
  store.asked.length = 0
  for (let ms = 0, before = 0; ms < ttlMs; ms += 50) {
    await clock.advance(50)
    const asked = store.count('verify')
    if (asked > before) moments.push(ms)
    before = asked
  }
  expect(store.count('verify')).toBe(moments.length * names.length)
  expect(moments.length).toBeGreaterThanOrEqual(3)
  expect(moments.length).toBeLessThanOrEqual(4)
})

test('a call does not wait behind the questions about the other holds of its client', async () => {
  const { clock, store, client } = await scene()
  await Promise.all(Array.from({ length: 40 }, (_, index) => client.mutex(`n${index}`).acquire()))
  store.lateMs.set('verify', 100)
  for (let before = store.count('verify'); store.count('verify') === before; ) await clock.advance(10)
  const acquiring = client.mutex('next').acquire()
  await clock.advance(250)
  expect(store.count('verify')).toBeLessThan(10)
  expect((await acquiring).held).toBe(true)
})

test('each hold is verified every third of its time to live, although more calls wait than the store takes', async () => {
  const { clock, store, client } = await scene()
  await Promise.all(names.map((name) => client.mutex(name).acquire()))
  store.lateMs.set('attempt', 100)
  const crowd = Array.from({ length: 300 }, (_, index) =>
    client.mutex(`n${index}`).acquire({ waitMs: 60_000 }),
  )
  await clock.advance(ttlMs / 10)
  await clock.advance(1_000)
  expect(store.count('verify')).toBeGreaterThanOrEqual(names.length)
  await clock.advance(60_000)
  await Promise.allSettled(crowd)
})

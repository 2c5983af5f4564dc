// Callers of one client that queue for one name: the release of one and the claim of the next are one request. On a manual
// clock.
import { expect, test } from 'vitest'
import type { Hold } from '../../src/api/hold.ts'
import { connect, type Leasehold } from '../../src/index.ts'
import { FaultyStore } from './faulty.ts'
import { ManualClock, settle } from './manual-clock.ts'

const ttlMs = 9_000

interface Scene {
  readonly clock: ManualClock
  readonly store: FaultyStore
  readonly client: Leasehold
}

async function scene(): Promise<Scene> {
  const [clock, store] = [new ManualClock(), new FaultyStore()]
  return { clock, store, client: await connect(store.source, { clock, ttlMs }) }
}

/** The state of a promise until now. */
function watched<T>(promise: Promise<T>): {
  readonly promise: Promise<T>
  state: 'pending' | 'done' | 'rejected'
} {
  const seen = { promise, state: 'pending' as 'pending' | 'done' | 'rejected' }
  promise.then(
    () => (seen.state = 'done'),
    () => (seen.state = 'rejected'),
  )
  return seen
}

/** How many claims the store has on the name, seen by another client. */
async function standing({ store, clock }: Scene, name: string): Promise<number> {
  const backend = await store.source.open(clock)
  return (await backend.line(name, new AbortController().signal)).length
}

test('of callers that queue for one name, each but the first costs one request, and the last one more', async () => {
  const { client, store } = await scene()
  const tokens: bigint[] = []
  const lock = client.mutex('a')
  await Promise.all(Array.from({ length: 6 }, () => lock.run(({ token }) => void tokens.push(token))))
  expect([store.count('attempt'), store.count('replace'), store.count('withdraw')]).toEqual([1, 5, 1])
  expect(tokens).toEqual(tokens.toSorted((one, other) => Number(one - other)))
  expect(new Set(tokens).size).toBe(6)
})

test('a release resolves when the claim has left the store, and not before', async () => {
  const { client, store, clock } = await scene()
  const lock = client.mutex('a')
  const hold = await lock.acquire()
  const next = watched(lock.acquire())
  store.lateMs.set('replace', 400)
  const released = watched(hold.release())
  await clock.advance(300)
  expect([released.state, next.state]).toEqual(['pending', 'pending'])
  expect(hold.held).toBe(false)
  await clock.advance(200)
  expect([released.state, next.state]).toEqual(['done', 'done'])
  expect(store.count('withdraw')).toBe(0)
})

test.each(['hang', 'apply, then hang'] as const)(
  'if the next caller gives up while its request (%s) is under way, both claims leave, and only then comes the next one',
  async (fault) => {
    const here = await scene()
    const { client, store, clock } = here
    const lock = client.mutex('a')
    const hold = await lock.acquire()
    const impatience = new AbortController()
    const second = watched(lock.acquire({ signal: impatience.signal }))
    const third = watched(lock.acquire())
    store.faults.set('replace', fault)
    const released = watched(hold.release())
    await settle()
    impatience.abort('enough')
    while (store.count('withdraw') === 0) await Promise.resolve()
    store.faults.set('withdraw', 'refuse') // of the two withdrawals, that of the old claim comes last
    await settle()
    expect(second.state).toBe('rejected')
    await clock.advance(500)
    expect([released.state, third.state, store.count('attempt')]).toEqual(['pending', 'pending', 1])
    store.faults.delete('withdraw')
    await clock.advance(2_000)
    expect([released.state, third.state, store.count('attempt')]).toEqual(['done', 'done', 2])
    expect(await standing(here, 'a')).toBe(1)
  },
)

test.each(['refuse', 'apply, then refuse'] as const)(
  'a request without an answer (%s) is repeated, and the next caller holds',
  async (fault) => {
    const here = await scene()
    const { client, store, clock } = here
    const lock = client.mutex('a')
    const hold = await lock.acquire()
    const next = watched(lock.acquire())
    store.faults.set('replace', fault)
    const released = watched(hold.release())
    await settle()
    store.faults.clear()
    expect([released.state, next.state]).toEqual(['pending', 'pending'])
    await clock.advance(200)
    expect([released.state, next.state]).toEqual(['done', 'done'])
    expect(await standing(here, 'a')).toBe(1)
  },
)

test('if the next caller fails for good, the claim before is withdrawn by its own caller', async () => {
  const here = await scene()
  const { client, store } = here
  const lock = client.mutex('a')
  const hold = await lock.acquire()
  const second = watched(lock.acquire())
  const third = watched(lock.acquire())
  store.faults.set('replace', 'forbid')
  await hold.release()
  await settle()
  expect([second.state, third.state]).toEqual(['rejected', 'done'])
  expect(await standing(here, 'a')).toBe(1)
})

test('a session that ends meanwhile is replaced, and the release resolves', async () => {
  const here = await scene()
  const { client, store, clock } = here
  const lock = client.mutex('a')
  const hold = await lock.acquire()
  const next = watched(lock.acquire())
  store.faults.set('replace', 'forget')
  const released = watched(hold.release())
  await settle()
  expect(released.state).toBe('done')
  await clock.advance(100)
  expect(next.state).toBe('done')
  expect((await next.promise).held).toBe(true)
})

test('a release does not wait for the next session, if its own is lost at that moment', async () => {
  const { client, store, clock } = await scene()
  const lock = client.mutex('a')
  const hold = await lock.acquire()
  const next = watched(lock.acquire())
  store.faults.set('createSession', 'hang')
  const released = watched(hold.release())
  clock.block(ttlMs)
  await settle()
  expect([released.state, next.state]).toEqual(['done', 'pending'])
  store.faults.clear()
  await clock.advance(5_000)
  expect(next.state).toBe('done')
  expect(store.count('createSession')).toBe(3)
})

test('close ends a caller whose request also withdraws a claim, and leaves nothing', async () => {
  const here = await scene()
  const { client, store, clock } = here
  const lock = client.mutex('a')
  const hold = await lock.acquire()
  const next = watched(lock.acquire())
  store.faults.set('replace', 'hang')
  const released = watched(hold.release())
  await settle()
  const closed = watched(client.close())
  await clock.advance(100)
  expect([released.state, next.state, closed.state]).toEqual(['done', 'rejected', 'done'])
  expect(await standing(here, 'a')).toBe(0)
})

test('a name that stays taken after its release is not given to the next caller of the same client', async () => {
  const { client, store, clock } = await scene()
  const lock = client.mutex('a')
  const hold: Hold = await lock.acquire()
  const next = watched(lock.acquire())
  await hold.release({ afterMs: 1_000 })
  await settle()
  expect(next.state).toBe('pending')
  await clock.advance(1_100)
  expect(next.state).toBe('done')
  expect(store.count('keep')).toBe(1)
})

test('a candidate takes the place of no other claim', async () => {
  const { client, store } = await scene()
  const election = client.election('a')
  const term = await election.campaign({ value: 'one' })
  const next = watched(election.campaign({ value: 'two' }))
  await settle()
  await term.resign()
  await settle()
  expect(next.state).toBe('done')
  expect(store.count('replace')).toBe(0)
})

// Renewals that fail or come at a bad moment, and holds that end meanwhile: only the holds concerned are lost, and every
// error says why.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Clock, Mark } from '../../src/base/clock.ts'
import type { Backend, Renewal } from '../../src/contract.ts'
import { connect, type Hold, HoldLostError, type Leasehold, UnavailableError } from '../../src/index.ts'
import { FaultyStore } from './faulty.ts'
import { ManualClock, settle } from './manual-clock.ts'

const ttlMs = 10_000
const lifeMs = 9_000 // less the margin of a tenth
const never = new AbortController().signal

/** The unhandled rejections. */
const unhandled: unknown[] = []
const note = (error: unknown): void => void unhandled.push(error)
beforeEach(() => void process.on('unhandledRejection', note))
afterEach(() => {
  process.off('unhandledRejection', note)
  expect(unhandled.splice(0)).toEqual([])
})

interface Scene {
  readonly clock: ManualClock
  readonly store: FaultyStore
  readonly client: Leasehold
  readonly other: Leasehold
  readonly hold: Hold
}

async function scene(): Promise<Scene> {
  const clock = new ManualClock()
  const store = new FaultyStore()
  const [client, other] = await Promise.all([1, 2].map(() => connect(store.source, { clock, ttlMs })))
  if (!client || !other) throw new Error('two clients')
  return { clock, store, client, other, hold: await client.mutex('a').acquire() }
}

/** Lets time pass until the next renewal was sent. */
async function untilRenewal({ clock, store }: Scene): Promise<void> {
  const before = store.count('renewSession')
  while (store.count('renewSession') < before + 2) await clock.advance(50)
}

test('a lock that is released while a renewal is under way is free, and stays free', async () => {
  const the = await scene()
  the.store.lateMs.set('renewSession', 2_000)
  await untilRenewal(the)
  await the.hold.release()
  const next = await the.other.mutex('a').tryAcquire()
  expect(next?.held).toBe(true)
  await the.clock.advance(3 * ttlMs)
  expect([the.hold.held, next?.held]).toEqual([false, true])
  await next?.release()
  const truth = await the.store.source.open(the.clock)
  expect(await truth.line('a', never)).toEqual([])
})

test('after close no renewal goes out, also if one was under way, and no timer stays', async () => {
  const the = await scene()
  the.store.lateMs.set('renewSession', 2_000)
  await untilRenewal(the)
  await Promise.all([the.client.close(), the.other.close()])
  const sent = the.store.count('renewSession')
  await the.clock.advance(5 * ttlMs)
  expect(the.store.count('renewSession')).toBe(sent)
  expect(the.clock.timers).toBe(0)
  const truth = await the.store.source.open(the.clock)
  expect(await truth.line('a', never)).toEqual([])
})

test.each(['refuse', 'forbid', 'surprise', 'apply, then surprise'] as const)(
  'a failed renewal is followed by the next one after every error: %s',
  async (fault) => {
    const { clock, store, hold } = await scene()
    store.faults.set('renewSession', fault)
    await clock.advance(lifeMs * 0.6)
    store.faults.clear()
    await clock.advance(5 * ttlMs)
    expect(hold.held).toBe(true)
    expect(hold.signal.aborted).toBe(false)
  },
)

test('a renewal that some claims got no answer of counts from their last one, and the next follows at once', async () => {
  const clock = new ManualClock()
  const store = new FaultyStore()
  let since: Mark | undefined
  const partly = async (backend: Backend, session: string, signal: AbortSignal): Promise<Renewal> => {
    const renewal = await backend.renewSession(session, signal)
    return since ? { ...renewal, since } : renewal
  }
  const open = async (clock: Clock): Promise<Backend> => {
    const backend = await store.source.open(clock)
    const renewSession = partly.bind(undefined, backend)
    return new Proxy(backend, {
      get: (of, name) => (name === 'renewSession' ? renewSession : Reflect.get(of, name)),
    })
  }
  const client = await connect({ ...store.source, open }, { clock, ttlMs })
  const hold = await client.mutex('a').acquire()
  since = clock.mark()
  await clock.advance(ttlMs / 3)
  const asked = store.count('renewSession')
  await clock.advance(1_000)
  expect(store.count('renewSession')).toBeGreaterThan(asked + 10)
  expect(hold.remainingMs).toBe(lifeMs - (clock.mark().monotonicMs - since.monotonicMs))
  since = undefined
  await clock.advance(100)
  expect(hold.remainingMs).toBeGreaterThan(lifeMs - 200)
  await client.close()
})

test.each([
  ['refuse', UnavailableError, 'the store is down'],
  ['surprise', TypeError, 'nobody thought of this'],
] as const)(
  'the error of a loss has the error of the renewals as its cause: %s',
  async (fault, kind, words) => {
    const { clock, store, hold } = await scene()
    store.faults.set('renewSession', fault)
    await clock.advance(lifeMs)
    const { reason } = hold.signal
    expect(reason).toBeInstanceOf(HoldLostError)
    expect(reason.cause).toBeInstanceOf(kind)
    expect(String(reason.cause)).toContain(words)
  },
)

test.each(['hang', 'refuse', 'surprise'] as const)(
  'a lost hold that no code watches does not crash the process, and its release takes no time: the store answers with %s',
  async (fault) => {
    const { clock, store, client, hold } = await scene()
    store.breakAll(fault)
    clock.block(lifeMs)
    let released = false
    hold.release().then(() => (released = true), note)
    await settle()
    expect(released).toBe(true)
    await clock.advance(3 * ttlMs)
    store.faults.clear()
    await clock.advance(3 * ttlMs)
    expect((await client.mutex('a').acquire()).token).toBeGreaterThan(hold.token)
  },
)

test('the release of a broken hold takes no time, even while the store hangs, and close withdraws its claim', async () => {
  const { clock, store, other } = await scene()
  const truth = await store.source.open(clock)
  store.faults.set('withdraw', 'hang')
  const run = other.mutex('b').run(async (taken) => {
    const [standing] = (await truth.survey('b', never))[0]?.claims ?? []
    await truth.break('b', standing?.token ?? 0n, never)
    await taken.verify().catch(() => {})
  })
  await expect(run).rejects.toThrow(HoldLostError)
  const closing = other.close()
  await settle()
  expect(store.count('destroySession')).toBe(0)
  store.faults.clear()
  await clock.advance(ttlMs)
  await closing
  expect(store.asked.lastIndexOf('withdraw')).toBeLessThan(store.asked.lastIndexOf('destroySession'))
})

test('releases that the store refuses while the client closes do not block other clients', async () => {
  const { store, client, other } = await scene()
  await Promise.all(['b', 'c', 'd'].map((name) => client.mutex(name).acquire()))
  store.faults.set('withdraw', 'forbid')
  await client.close()
  store.faults.clear()
  for (const name of ['a', 'b', 'c', 'd']) expect(await other.mutex(name).tryAcquire()).toBeDefined()
})

test('an acquire that fails with an unknown error leaves no claim behind', async () => {
  const { clock, store, client, other } = await scene()
  store.faults.set('attempt', 'apply, then surprise')
  await expect(client.mutex('free').acquire()).rejects.toThrow('nobody thought of this')
  await expect(other.mutex('a').acquire()).rejects.toThrow('nobody thought of this')
  store.faults.clear()
  await clock.advance(100)
  const truth = await store.source.open(clock)
  expect(await truth.line('free', never)).toEqual([])
  expect(await truth.line('a', never)).toHaveLength(1)
})

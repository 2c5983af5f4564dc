// When a holder must consider its hold lost, on clocks that a test moves.
import { expect, test } from 'vitest'
import { connect, type Hold, HoldLostError, type Leasehold } from '../../src/index.ts'
import { FaultyStore } from './faulty.ts'
import { ManualClock, settle } from './manual-clock.ts'

const ttlMs = 10_000
const never = new AbortController().signal
const lifeMs = 9_000 // less the margin of a tenth

interface Scene {
  readonly clock: ManualClock
  readonly store: FaultyStore
  readonly client: Leasehold
  readonly hold: Hold
}

async function scene(): Promise<Scene> {
  const clock = new ManualClock()
  const store = new FaultyStore()
  const client = await connect(store.source, { clock, ttlMs })
  return { clock, store, client, hold: await client.mutex('a').acquire() }
}

test('a hold lasts as long as it is renewed', async () => {
  const { clock, hold } = await scene()
  await clock.advance(10 * ttlMs)
  expect(hold.held).toBe(true)
  expect(hold.signal.aborted).toBe(false)
})

test.each(['hang', 'refuse', 'apply, then hang', 'apply, then refuse'] as const)(
  'when renewals %s, the hold is lost a margin before its time to live is over, and its signal says so',
  async (fault) => {
    const { clock, store, hold } = await scene()
    store.faults.set('renewSession', fault)
    let told = 0
    hold.signal.addEventListener('abort', () => (told += 1))
    await clock.advance(lifeMs - 1)
    expect([hold.held, told]).toEqual([true, 0])
    await clock.advance(1)
    expect([hold.held, told]).toEqual([false, 1])
    expect(hold.signal.reason).toBeInstanceOf(HoldLostError)
    expect(() => hold.assertHeld()).toThrow(HoldLostError)
    await clock.advance(ttlMs)
    await hold.release()
    expect(told).toBe(1)
  },
)

test('a renewal counts from the moment it was sent, even if its answer is late', async () => {
  const { clock, store, hold } = await scene()
  store.lateMs.set('renewSession', 2_000)
  await clock.advance(ttlMs / 3 + 2_000) // sent after 3167 ms, answered 2000 ms later
  expect(hold.remainingMs).toBeLessThanOrEqual(lifeMs - 2_000)
  expect(hold.remainingMs).toBeGreaterThan(lifeMs - 2_500)
})

test('a renewal that was applied but never answered does not move the deadline, and the next one does', async () => {
  const { clock, store, hold } = await scene()
  store.faults.set('renewSession', 'apply, then hang')
  await clock.advance(ttlMs / 3)
  expect(hold.remainingMs).toBeLessThanOrEqual(lifeMs - ttlMs / 3)
  store.faults.clear()
  await clock.advance(3_500) // aborted and sent again
  expect(hold.remainingMs).toBeGreaterThan(lifeMs - 3_500)
})

test('a session that the store no longer knows is lost with the next renewal, long before its deadline', async () => {
  const { clock, store, hold } = await scene()
  store.watches = 'hang'
  store.faults.set('verify', 'refuse')
  const truth = await store.source.open(clock)
  const [standing] = await truth.line('a', never)
  await truth.destroySession(standing?.session ?? '', never)
  await clock.advance(ttlMs / 3)
  expect(hold.held).toBe(false)
  expect(hold.signal.reason).toMatchObject({ message: expect.stringContaining('expired or was ended') })
})

test('if only answers are lost, the store keeps a lost hold until its margin is over, even if the client closes', async () => {
  const { clock, store, hold, client } = await scene()
  const truth = await store.source.open(clock)
  const holder = async (): Promise<string | undefined> => (await truth.line('a', never))[0]?.session
  const first = await holder()
  store.faults.set('renewSession', 'apply, then hang')
  await clock.advance(lifeMs)
  expect(hold.held).toBe(false)
  const closed = client.close()
  await clock.advance(ttlMs - lifeMs - 1)
  expect([await holder(), store.count('destroySession')]).toEqual([first, 0])
  await clock.advance(1)
  await closed
  expect([await holder(), store.count('destroySession')]).toEqual([undefined, 1])
})

test('a session that is lost while its claims only wait is ended at once', async () => {
  const { clock, store } = await scene()
  const waiter = await connect(store.source, { clock, ttlMs })
  waiter
    .mutex('a')
    .acquire()
    .catch(() => {})
  await clock.advance(1)
  store.faults.set('renewSession', 'refuse')
  await clock.advance(lifeMs)
  expect(store.count('destroySession')).toBe(1) // not two: the holder's margin is not over
  await waiter.close()
})

test('a lost session is ended in the store as soon as the store answers, and after close no timer for it is left', async () => {
  const { clock, store, hold, client } = await scene()
  store.faults.set('renewSession', 'apply, then refuse') // so the store does not end it by itself
  await clock.advance(lifeMs)
  expect(hold.held).toBe(false)
  store.breakAll('refuse')
  await clock.advance(ttlMs - lifeMs + 200)
  const asked = store.count('destroySession')
  expect(asked).toBeGreaterThan(1)

  store.faults.clear()
  await clock.advance(500) // well before the time to live is over

  const truth = await store.source.open(clock)
  expect(await truth.line('a', never)).toEqual([])
  expect(store.count('destroySession')).toBe(asked + 1)
  store.breakAll('refuse')
  await client.close()
  expect(clock.timers).toBe(0)
})

test('a loss that the store shows only after the release is not reported', async () => {
  const { clock, store, hold } = await scene()
  const truth = await store.source.open(clock)
  const [standing] = await truth.line('a', never)
  const claim = {
    id: '1',
    name: 'a',
    session: standing?.session ?? '',
    permits: 1,
    weight: 1,
    value: '',
    wait: true,
    candidate: false,
  }
  await truth.withdraw(claim, never)
  store.lateMs.set('verify', 1_000)
  const verified = hold.verify()
  await settle()
  store.lateMs.clear()
  await hold.release()
  const refused = expect(verified).rejects.toThrow('was released')
  await clock.advance(1_000)
  await refused
  store.breakAll('hang')
  await clock.advance(2 * ttlMs)
  expect(hold.signal.aborted).toBe(false)
})

test('a blocked event loop, or a stopped process, finds held false on the very next line', async () => {
  const { clock, hold } = await scene()
  const { signal } = hold
  clock.block(lifeMs)
  expect(hold.held).toBe(false)
  expect(signal.aborted).toBe(true)
  expect(() => signal.throwIfAborted()).toThrow(HoldLostError)
})

test('after a blocked event loop, signals derived from the hold signal are also right', async () => {
  const { clock, hold } = await scene()
  const { signal } = hold
  clock.block(lifeMs)
  const combined = AbortSignal.any([hold.signal, new AbortController().signal])
  expect(combined.aborted).toBe(true)
  expect(() => signal.throwIfAborted()).toThrow(HoldLostError)
  expect(signal.reason).toBeInstanceOf(HoldLostError)
  await expect(fetch('http://127.0.0.1:9/', { signal })).rejects.toThrow(HoldLostError)
})

test('a renewal answered after the deadline does not bring the hold back', async () => {
  const { clock, hold } = await scene()
  clock.block(lifeMs)
  expect(hold.held).toBe(false)
  await clock.advance(ttlMs)
  expect(hold.held).toBe(false)
})

test('a hold is lost after its machine slept, although the monotonic clock stood still', async () => {
  const { clock, hold } = await scene()
  clock.suspend(lifeMs)
  expect(hold.held).toBe(false)
  expect(hold.signal.aborted).toBe(true)
})

test('a wall clock that is set back gives no extra time, and one set forward costs the hold', async () => {
  const { clock, store, hold } = await scene()
  clock.setWallBy(-3_600_000)
  store.faults.set('renewSession', 'hang')
  await clock.advance(lifeMs)
  expect(hold.held).toBe(false)
  const forward = await scene()
  forward.clock.setWallBy(3_600_000)
  expect(forward.hold.held).toBe(false)
})

test('assertHeld asks for the time that an effect needs', async () => {
  const { clock, store, hold } = await scene()
  store.faults.set('renewSession', 'hang')
  await clock.advance(5_000)
  hold.assertHeld(3_500)
  expect(() => hold.assertHeld(4_500)).toThrow(/4000 ms are left .* 4500 ms were asked for/)
})

test('failed renewals followed by a good one cause no loss', async () => {
  const { clock, store, hold } = await scene()
  store.faults.set('renewSession', 'refuse')
  await clock.advance(6_000)
  store.faults.clear()
  await clock.advance(10 * ttlMs)
  expect(hold.held).toBe(true)
})

test('a session that was lost is ended in the store, so that others do not wait for it', async () => {
  const { clock, store, client, hold } = await scene()
  store.faults.set('renewSession', 'refuse')
  clock.block(ttlMs)
  expect(hold.held).toBe(false)
  await settle()
  expect(store.count('destroySession')).toBe(1)
  const next = await client.mutex('a').acquire()
  expect(next.token > hold.token).toBe(true)
})

test('one renewal at a time keeps every hold of a client', async () => {
  const { clock, store, client, hold } = await scene()
  const others = await Promise.all(Array.from({ length: 50 }, (_, n) => client.mutex(`b${n}`).acquire()))
  store.asked.length = 0
  await clock.advance(ttlMs)
  expect(store.count('renewSession')).toBeLessThanOrEqual(4)
  store.faults.set('renewSession', 'hang')
  await clock.advance(ttlMs)
  for (const other of [hold, ...others]) expect(other.signal.aborted).toBe(true)
})

test('a closed client leaves no timer behind', async () => {
  const { clock, client } = await scene()
  await clock.advance(3 * ttlMs)
  await client.close()
  expect(clock.timers).toBe(0)
})

test('the signal of a term that was lost and then resigned reports the loss, whenever it is first read', async () => {
  const { clock, store, client } = await scene()
  const term = await client.election('b').campaign()
  store.faults.set('renewSession', 'refuse')
  await clock.advance(lifeMs)
  await term.resign()
  expect(term.signal.reason).toBeInstanceOf(HoldLostError)
})

test('an acquire that is aborted as its session is lost rejects with the reason of the abort', async () => {
  const { clock, store, client } = await scene()
  const other = await connect(store.source, { clock, ttlMs })
  await other.mutex('b').acquire()
  const giveUp = new AbortController()
  const waiting = client.mutex('b').acquire({ signal: giveUp.signal })
  const seen = waiting.catch((reason) => reason)
  await clock.advance(10)
  const hold = await client.mutex('c').acquire() // learns of the loss after the acquire, at the same moment
  store.faults.set('renewSession', 'hang')
  hold.signal.addEventListener('abort', () => giveUp.abort('mine'))
  await clock.advance(ttlMs)
  expect(await seen).toBe('mine')
})

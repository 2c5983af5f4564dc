// Claims that are admitted while the session of their client was not renewed for long, as after an outage of the store. Owns
// what the caller gets then: a hold with time to work, or none.
import { expect, test } from 'vitest'
import { connect, type Hold, UnavailableError } from '../../src/index.ts'
import { type OneClient, oneClient } from './clients.ts'
import { FaultyStore } from './faulty.ts'
import { ManualClock, settle } from './manual-clock.ts'

const ttlMs = 9_000
const lifeMs = 8_100 // less the margin of a tenth
/** So long after the last renewal less than half of the life is left, and the session still stands. */
const outageMs = 5_000
const never = new AbortController().signal

/** A client whose renewals got no answer for `outageMs`, and get none until the faults are lifted. */
async function scene(): Promise<OneClient> {
  const one = await oneClient(ttlMs)
  one.store.faults.set('renewSession', 'hang')
  await one.clock.advance(outageMs)
  one.store.asked.length = 0
  return one
}

test('while renewals are answered, an acquire costs one request, as late after a renewal as may be', async () => {
  const { clock, store, client } = await oneClient(ttlMs)
  await clock.advance(ttlMs * 0.95 * (1 / 3 + 1) - 1)
  store.asked.length = 0
  const hold = await client.mutex('a').acquire()
  expect(store.asked).toEqual(['attempt'])
  expect(hold.remainingMs).toBeGreaterThan(lifeMs / 2)
})

test('the life of a session counts from its request: a store that opened it at once and answers late gives a shorter hold', async () => {
  const [clock, store, lateMs] = [new ManualClock(), new FaultyStore(), 2_000]
  store.lateMs.set('createSession', lateMs)
  const connecting = connect(store.source, { clock, ttlMs })
  await settle()
  await clock.advance(lateMs)
  const hold = await (await connecting).mutex('a').acquire()
  expect(hold.remainingMs).toBeLessThanOrEqual(lifeMs - lateMs)
  expect(hold.remainingMs).toBeGreaterThan(lifeMs / 2)
})

test('a store that answers again after an outage is asked for a renewal at once, and the hold begins after it', async () => {
  const { clock, store, client } = await scene()
  store.faults.clear()
  store.lateMs.set('renewSession', 200)
  let given: Hold | undefined
  const acquiring = client.mutex('a').acquire()
  acquiring.then((hold) => (given = hold))
  await clock.advance(199)
  expect(given).toBeUndefined()
  // The renewal that was under way in the outage ends by its own time limit, and the next one follows at once.
  await clock.advance(3_000)
  expect(given?.remainingMs).toBeGreaterThan(lifeMs / 2)
})

test('a store that answers nothing about sessions gives no hold: tryAcquire rejects in the time of two requests', async () => {
  const { clock, store, client, truth } = await scene()
  store.faults.set('createSession', 'hang')
  const refused = expect(client.mutex('a').tryAcquire()).rejects.toThrow(UnavailableError)
  await settle()
  expect(await truth.line('a', never)).toHaveLength(1)
  await clock.advance(2 * 2_700)
  await refused
  expect(await truth.line('a', never)).toEqual([])
})

test('a store that answers all but renewals gives no hold: acquire rejects when its time is over', async () => {
  const { clock, client, truth } = await scene()
  const refused = expect(client.mutex('a').acquire({ waitMs: 1_000 })).rejects.toThrow(UnavailableError)
  await clock.advance(1_000)
  await refused
  expect(await truth.line('a', never)).toEqual([])
})

test('an acquire without a time limit waits no longer than the session lives, and holds under the next one', async () => {
  const { clock, client } = await scene()
  let given: Hold | undefined
  client
    .mutex('a')
    .acquire()
    .then((hold) => (given = hold))
  await clock.advance(lifeMs - outageMs - 1)
  expect(given).toBeUndefined()
  await clock.advance(2)
  expect(given?.remainingMs).toBeGreaterThan(lifeMs / 2)
})

test('a caller that aborts while its claim waits for a renewal gets its reason, and leaves nothing behind', async () => {
  const { client, truth } = await scene()
  const caller = new AbortController()
  const refused = expect(client.mutex('a').acquire({ signal: caller.signal })).rejects.toBe('enough')
  await settle()
  caller.abort('enough')
  await refused
  await settle()
  expect(await truth.line('a', never)).toEqual([])
})

test('a lock that an operator breaks while its claim waits for a renewal is not handed over', async () => {
  const { clock, store, client, truth } = await scene()
  store.faults.clear()
  store.lateMs.set('renewSession', 1_000)
  const acquiring = client.mutex('a').acquire()
  await settle()
  const [holder] = await truth.line('a', never)
  expect(await truth.break('a', holder?.token ?? 0n, never)).toBe(true)
  await clock.advance(3_000)
  const hold = await acquiring
  await hold.verify()
  expect(hold.token).toBeGreaterThan(holder?.token ?? 0n)
})

test('after a sleep of the machine the hold begins with a renewed session', async () => {
  const { clock, store, client } = await oneClient(ttlMs)
  clock.suspend(outageMs)
  const hold = await client.mutex('a').acquire()
  expect(store.count('renewSession')).toBe(1)
  expect(hold.remainingMs).toBe(lifeMs)
})

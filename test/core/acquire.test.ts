// `acquire` over a store that fails: which requests are repeated, when it gives up, and what must not be left behind.
import { expect, test } from 'vitest'
import type { Backend } from '../../src/contract.ts'
import { marginMs } from '../../src/core/lifetime.ts'
import { connect, HoldLostError, RefusedError, UnavailableError, WaitTimeoutError } from '../../src/index.ts'
import { type TwoClients, twoClients } from './clients.ts'
import { FaultyStore } from './faulty.ts'
import { ManualClock, settle } from './manual-clock.ts'

const ttlMs = 10_000
const never = new AbortController().signal

const scene = (): Promise<TwoClients> => twoClients(ttlMs)

test('an attempt without an answer is repeated, and the claim stands once', async () => {
  const { clock, store, one, truth } = await scene()
  store.faults.set('attempt', 'apply, then refuse')
  const acquiring = one.mutex('a').acquire()
  await settle()
  store.faults.clear()
  await clock.advance(1_000)
  const hold = await acquiring
  expect(await truth.line('a', never)).toHaveLength(1)
  await hold.release()
  expect(await truth.line('a', never)).toEqual([])
})

test('if the store stays down, acquire rejects with UnavailableError, and withdraws when the store is back', async () => {
  const { clock, store, one, other, truth } = await scene()
  store.faults.set('attempt', 'apply, then refuse')
  store.faults.set('withdraw', 'refuse')
  const acquiring = one.mutex('a').acquire()
  const refused = expect(acquiring).rejects.toThrow(UnavailableError)
  await clock.advance(30_000)
  await refused
  expect(store.count('attempt')).toBe(9)
  expect(await truth.line('a', never)).toHaveLength(1)
  store.faults.clear()
  await clock.advance(3_000)
  expect(await truth.line('a', never)).toEqual([])
  expect(await other.mutex('a').tryAcquire()).toBeDefined()
})

test('a wait that ends before the store has answered is reported as an outage, not as a taken lock', async () => {
  const { clock, store, one, other } = await scene()
  store.faults.set('attempt', 'refuse')
  const refused = expect(one.mutex('a').acquire({ waitMs: 1_000 })).rejects.toThrow(UnavailableError)
  await clock.advance(1_000)
  await refused
  store.faults.clear()
  await using _ = await other.mutex('a').acquire()
  const late = expect(one.mutex('a').acquire({ waitMs: 1_000 })).rejects.toThrow(WaitTimeoutError)
  await clock.advance(1_000)
  await late
  await expect(one.mutex('a').acquire({ waitMs: 0 })).rejects.toThrow(/not free: held by/)
})

test('the error of a client that waits for itself says so; that of another client names the holder', async () => {
  const { one, other } = await scene()
  await using _ = await one.mutex('a').acquire()
  await expect(one.mutex('a').acquire({ waitMs: 0 })).rejects.toThrow(
    '"a" is not free: held by this very client',
  )
  const told = await other.mutex('a').acquire({ waitMs: 0 }).catch(String)
  expect(told).toMatch(/not free: held by .*\(pid \d+\)/)
  expect(told).not.toContain('this very client')
})

test('a release that the store refuses for good ends the session, after the margin of its other holds', async () => {
  const { clock, store, one, other, truth } = await scene()
  const hold = await one.mutex('a').acquire()
  const second = await one.mutex('b').acquire()
  store.faults.set('withdraw', 'forbid')
  await expect(hold.release()).rejects.toThrow(RefusedError)
  expect(second.held).toBe(false)
  await clock.advance(marginMs(ttlMs) - 1)
  expect(await truth.line('b', never)).toHaveLength(1)
  await clock.advance(1)
  expect([await truth.line('a', never), await truth.line('b', never)]).toEqual([[], []])
  expect((await other.mutex('a').acquire()).held).toBe(true)
})

test('an aborted acquire rejects at once, even if the store hangs', async () => {
  const { store, one } = await scene()
  store.breakAll('hang')
  const controller = new AbortController()
  const acquiring = one.mutex('a').acquire({ signal: controller.signal })
  await settle()
  controller.abort('now')
  await expect(acquiring).rejects.toBe('now')
})

test('an abort at any step of an acquire leaves no claim and no blocked line', async () => {
  const { clock, store, one, other, truth } = await scene()
  const taken = await other.mutex('taken').acquire()
  for (const [name, fault] of [
    ['free'],
    ['taken'],
    ['free', 'apply, then hang'],
    ['taken', 'hang'],
  ] as const) {
    for (let step = 0; step < 60; step += 1) {
      if (fault) store.faults.set('attempt', fault)
      const controller = new AbortController()
      const acquiring = one.mutex(name).acquire({ signal: controller.signal })
      const outcome = acquiring.then(
        (hold) => hold.release(),
        (reason) => expect(reason).toBe(step),
      )
      for (let tick = 0; tick < step; tick += 1) await Promise.resolve()
      controller.abort(step)
      await outcome
      store.faults.clear()
      await settle()
    }
  }
  await clock.advance(10)
  expect(await truth.line('free', never)).toEqual([])
  expect(await truth.line('taken', never)).toHaveLength(1)
  await taken.release()
  await (await one.mutex('taken').acquire()).release()
})

test('tryAcquire asks the store each time, even right after a refusal', async () => {
  const { store, one, other } = await scene()
  await using hold = await one.mutex('a').acquire()
  store.asked.length = 0
  for (let turn = 0; turn < 10; turn += 1) expect(await other.mutex('a').tryAcquire()).toBeUndefined()
  expect(store.count('attempt')).toBe(10)
  await hold.release()
  expect((await other.mutex('a').tryAcquire())?.held).toBe(true)
})

test('a watch that fails at once does not cause a flood of requests', async () => {
  const { clock, store, one, other } = await scene()
  const hold = await one.mutex('a').acquire()
  store.watches = 'fail'
  const waiting = other.mutex('a').acquire()
  store.asked.length = 0
  await clock.advance(60_000)
  expect(store.count('attempt')).toBeLessThan(60)
  await hold.release()
  await clock.advance(3_000)
  expect((await waiting).held).toBe(true)
})

test('a change that a watch misses is found within a time to live', async () => {
  const { clock, store, one, other } = await scene()
  const hold = await one.mutex('a').acquire()
  store.watches = 'hang'
  const waiting = other.mutex('a').acquire()
  await settle()
  await hold.release()
  await clock.advance(ttlMs)
  expect((await waiting).held).toBe(true)
})

test('if the session of a waiter ends, in the store or by its own clock, the waiter takes a new place in line', async () => {
  const { clock, store, one, other, truth } = await scene()
  const hold = await one.mutex('a').acquire()
  const waiting = other.mutex('a').acquire()
  await settle()
  const [, mine] = await truth.line('a', never)
  await truth.destroySession(mine?.session ?? '', never)
  await clock.advance(3_000)
  expect(await truth.line('a', never)).toHaveLength(2)
  store.breakAll('hang')
  clock.block(ttlMs)
  await clock.advance(1)
  expect(hold.held).toBe(false)
  store.faults.clear()
  await clock.advance(ttlMs)
  expect((await waiting).held).toBe(true)
  expect(await truth.line('a', never)).toHaveLength(1)
})

test('a waiter whose session is lost stands in line again as soon as the store answers', async () => {
  const { clock, store, one, other, truth } = await scene()
  const hold = await one.mutex('a').acquire()
  store.watches = 'hang'
  const waiting = other.mutex('a').acquire()
  await settle()
  store.watches = 'work'
  store.faults.set('renewSession', 'refuse')
  await clock.advance(ttlMs - 900)
  expect(hold.held).toBe(false)
  store.faults.clear()
  await clock.advance(100)
  expect(await truth.line('a', never)).toHaveLength(2)
  await clock.advance(800) // the margin of the holder
  expect(await truth.line('a', never)).toHaveLength(1)
  expect((await waiting).held).toBe(true)
})

test('if the store loses every session, the client pauses before it asks for a new one', async () => {
  const { clock, store, one } = await scene()
  store.faults.set('attempt', 'forget')
  const controller = new AbortController()
  const refused = expect(one.mutex('a').acquire({ signal: controller.signal })).rejects.toBe('enough')
  store.asked.length = 0
  await clock.advance(60_000)
  expect(store.count('createSession')).toBeLessThan(60)
  controller.abort('enough')
  await refused
  store.faults.clear()
  await (await one.mutex('a').acquire()).release()
})

test('if the store is unreachable, release resolves when the session is over', async () => {
  const { clock, store, one, other } = await scene()
  const hold = await one.mutex('a').acquire()
  store.breakAll('refuse')
  let released = false
  const release = hold.release().then(() => {
    released = true
  })
  expect(hold.held).toBe(false)
  await clock.advance(ttlMs / 2)
  expect(released).toBe(false)
  await clock.advance(ttlMs / 2)
  await release
  store.faults.clear()
  await clock.advance(ttlMs)
  expect((await other.mutex('a').acquire()).held).toBe(true)
})

test('a hold learns within a third of its time to live that an operator removed its claim', async () => {
  const { clock, store, one, truth } = await scene()
  store.watches = 'hang'
  const hold = await one.mutex('a').acquire()
  await clock.advance(2 * ttlMs)
  store.faults.set('verify', 'refuse')
  await clock.advance(ttlMs)
  expect(hold.held).toBe(true)
  store.faults.clear()
  const [standing] = await truth.line('a', never)
  expect(standing).toBeDefined()
  const remote = store.source.open(clock)
  await removeClaim(await remote, 'a')
  await clock.advance(ttlMs / 3 + 1)
  expect(hold.signal.reason).toBeInstanceOf(HoldLostError)
  expect((await one.mutex('a').acquire()).held).toBe(true)
})

test('close ends within two requests although the store hangs, and no timer stays', async () => {
  const { clock, store, one, other } = await scene()
  const hold = await one.mutex('a').acquire()
  const waiting = other.mutex('a').acquire()
  const refused = expect(waiting).rejects.toThrow('closed')
  await settle()
  store.breakAll('hang')
  const closed = Promise.all([one.close(), other.close()])
  await refused
  await clock.advance(2 * 3_000)
  await closed
  expect(hold.held).toBe(false)
  await clock.advance(ttlMs)
  expect(clock.timers).toBe(0)
})

test('connect fails soon if the store cannot be reached, and leaves nothing running', async () => {
  const clock = new ManualClock()
  const store = new FaultyStore()
  store.faults.set('createSession', 'refuse')
  const refused = expect(connect(store.source, { clock, ttlMs })).rejects.toThrow(UnavailableError)
  await clock.advance(5_000)
  await refused
  expect(clock.timers).toBe(0)
})

/** Removes the first claim on a name, but not its session. */
async function removeClaim(backend: Backend, name: string): Promise<void> {
  const [standing] = await backend.line(name, never)
  const claim = {
    id: '1',
    name,
    session: standing?.session ?? '',
    permits: 1,
    weight: 1,
    value: '',
    wait: true,
    candidate: false,
  }
  await backend.withdraw(claim, never)
}

// The events that a process hears by node:diagnostics_channel: their order, their parts, and that they never disturb a lock.

import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { memory } from '../../src/backends/memory/index.ts'
import { connect, HoldLostError } from '../../src/index.ts'
import { lead, scene, untilAborted } from '../election/scene.ts'
import { oneClient, twoClients } from './clients.ts'
import { heard, traced } from './listening.ts'
import { settle } from './manual-clock.ts'

test('an acquire tells its start, how many are ahead, and its hold', async () => {
  const { one, other } = await twoClients(12_000)
  const acquires = traced('leasehold:acquire')
  const first = await one.semaphore('a', { permits: 2 }).acquire({ permits: 2 })
  const parts = { store: 'memory:', name: 'a', kind: 'semaphore', permits: 2, weight: 2, waitMs: undefined }
  expect(acquires.ended).toMatchObject([{ ...parts, ahead: 0, outcome: 'held', result: first }])
  const waiting = other.semaphore('a', { permits: 2 }).acquire({ waitMs: 60_000 })
  await settle()
  expect(acquires.begun[1]).toMatchObject({ weight: 1, waitMs: 60_000, ahead: 1 })
  expect(acquires.ended).toHaveLength(1)
  await first.release()
  const second = await waiting
  expect(acquires.ended[1]).toBe(acquires.begun[1])
  expect(acquires.ended[1]?.result).toBe(second)
  expect(acquires.ended[0]?.client).not.toBe(acquires.ended[1]?.client)
  await Promise.all([one.close(), other.close()])
})

test('an acquire that fails tells why', async () => {
  const { one, other, clock, store } = await twoClients(12_000)
  const hold = await one.mutex('a').acquire()
  const { ended } = traced('leasehold:acquire')
  const outcomes = (): unknown[] => ended.splice(0).map(({ outcome }) => outcome)
  const lock = other.mutex('a')
  expect(await lock.tryAcquire()).toBeUndefined()
  expect(outcomes()).toEqual(['busy'])
  const late = expect(lock.acquire({ waitMs: 100 })).rejects.toThrow('was not free')
  await clock.advance(200)
  await late
  expect(outcomes()).toEqual(['timeout'])
  const controller = new AbortController()
  const aborted = expect(lock.acquire({ signal: controller.signal })).rejects.toBe('enough')
  controller.abort('enough')
  await aborted
  expect(outcomes()).toEqual(['aborted'])
  store.faults.set('attempt', 'forbid')
  const refused = expect(other.mutex('b').acquire()).rejects.toThrow()
  await clock.advance(60_000)
  await refused
  expect(outcomes()).toHaveLength(1)
  store.faults.clear()
  const closing = expect(lock.acquire()).rejects.toThrow('closed')
  await other.close()
  await closing
  expect(outcomes()).toEqual(['closed'])
  expect(hold.name).toBe('a')
  await one.close()
})

test('a release is told once, with the token of its hold, and a loss is no release', async () => {
  const { client, clock, store } = await oneClient(12_000)
  const releases = traced('leasehold:release')
  const hold = await client.mutex('a').acquire()
  await hold.release()
  await hold.release()
  const event = { name: 'a', kind: 'mutex', token: hold.token, session: client.session, hold }
  expect(releases.begun).toMatchObject([event])
  expect(releases.ended).toHaveLength(1)
  const second = await client.mutex('a').acquire()
  store.breakAll('hang')
  await clock.advance(10_800)
  expect(second.held).toBe(false)
  await second.release()
  expect(releases.begun).toHaveLength(1)
  store.faults.clear()
  await Promise.all([client.close(), clock.advance(15_000)])
})

test('near-loss is told at half of the life, once until the next answer, and the loss after it', async () => {
  const { client, clock, store } = await oneClient(12_000)
  const [near, lost, sessions] = [
    heard('leasehold:hold.near-loss'),
    heard('leasehold:hold.lost'),
    heard('leasehold:session.lost'),
  ]
  const hold = await client.mutex('a').acquire()
  await clock.advance(60_000)
  expect(near).toEqual([])
  const outage = async (ms: number): Promise<void> => {
    store.faults.set('renewSession', 'refuse')
    await clock.advance(ms)
    store.faults.clear()
    await clock.advance(4_000)
  }
  await outage(6_500)
  await outage(6_500)
  expect(near).toHaveLength(2)
  expect(near[0]).toMatchObject({ name: 'a', kind: 'mutex', hold, token: hold.token, remainingMs: 5_399 })
  expect(near[0]?.error).toMatchObject({ message: 'the store is down' })
  expect(lost).toEqual([])
  store.faults.set('renewSession', 'refuse')
  for (let ms = 0; lost.length === 0 && ms < 15_000; ms += 100) await clock.advance(100)
  expect(near).toHaveLength(3)
  expect(lost).toMatchObject([{ hold, cause: 'expired', error: expect.any(HoldLostError) }])
  expect(lost[0]?.error).toBe(hold.signal.reason)
  expect(sessions).toMatchObject([{ cause: 'expired', session: { status: 'lost', remainingMs: 0 } }])
  store.faults.clear()
  await Promise.all([client.close(), clock.advance(15_000)])
})

test('near-loss is told while the renewal is still unanswered, too', async () => {
  const { client, clock, store } = await oneClient(12_000)
  const near = heard('leasehold:hold.near-loss')
  await client.mutex('a').acquire()
  store.breakAll('hang') // no answer at all, and so no error yet
  await clock.advance(5_400)
  expect(near).toEqual([])
  await clock.advance(1)
  expect(near).toHaveLength(1)
  store.faults.clear()
  await client.close()
})

test('a loss names its cause: an operator removed the claim, or the store ended the session', async () => {
  const { one, other, clock, store } = await twoClients(12_000)
  const lost = heard('leasehold:hold.lost')
  const hold = await one.mutex('a').acquire()
  await other.break('a', hold.token)
  await clock.advance(5_000)
  await one.mutex('b').acquire()
  store.faults.set('renewSession', 'forget')
  await clock.advance(5_000)
  store.faults.clear()
  expect(lost).toMatchObject([
    { name: 'a', cause: 'removed', error: { loss: 'removed' } },
    { name: 'b', cause: 'session-gone', error: { loss: 'session-gone' } },
  ])
  await Promise.all([one.close(), other.close()])
})

test('a session is told when it is opened and when it is lost; a client that closes loses nothing', async () => {
  const [opened, sessionsLost, lost] = [
    heard('leasehold:session.opened'),
    heard('leasehold:session.lost'),
    heard('leasehold:hold.lost'),
  ]
  const { client } = await oneClient(12_000)
  await client.mutex('a').acquire()
  const { session } = opened[0] as NonNullable<(typeof opened)[0]>
  expect(opened).toMatchObject([
    { ttlMs: 12_000, session: { id: client.session, status: 'open', remainingMs: 10_800 } },
  ])
  await client.close()
  expect(session).toMatchObject({ status: 'closed', remainingMs: 0 })
  expect([...sessionsLost, ...lost]).toEqual([])
})

test('a renewal tells the time that was left when it was answered', async () => {
  const { client, clock, store } = await oneClient(12_000)
  const { ended } = traced('leasehold:renew')
  store.lateMs.set('renewSession', 1_000)
  await clock.advance(5_000)
  expect(ended).toMatchObject([{ slackMs: 10_800 - 3_800 - 1_000, session: { id: client.session } }])
  store.faults.set('renewSession', 'refuse')
  await clock.advance(4_000)
  expect(ended[1]).toMatchObject({ error: { message: 'the store is down' } })
  expect(ended[1]?.slackMs).toBeUndefined()
  await client.close()
})

test('a request is told with its operation, and each repetition with its number', async () => {
  const { client, clock, store } = await oneClient(12_000)
  const { begun, ended } = traced('leasehold:request')
  const hold = await client.mutex('a').acquire()
  await hold.checkpoint('text')
  await hold.release()
  expect(begun.map(({ operation }) => operation)).toEqual(['attempt', 'writeCheckpoint', 'withdraw'])
  begun.length = 0
  store.faults.set('attempt', 'refuse')
  const acquiring = client.mutex('b').acquire()
  await clock.advance(100)
  store.faults.clear()
  await clock.advance(200)
  await acquiring
  expect(begun.map(({ operation, retry }) => `${operation} ${retry}`)).toEqual([
    'attempt 0',
    'attempt 1',
    'attempt 2',
  ])
  expect(ended.at(-2)).toMatchObject({ error: { message: 'the store is down' } })
  await client.close()
})

test('a change of the leader is told by its candidate, and once by all observers of a client', async () => {
  const two = await scene()
  const changes = heard('leasehold:leader.changed')
  const by = (seen: string): unknown[] =>
    changes.filter(({ seenBy }) => seenBy === seen).map(({ leader, mine }) => `${leader?.value} ${mine}`)
  const observers = [1, 2].map(() => two.other.election('a').observe())
  const next = observers.map((observer) => observer.next())
  await Promise.all(next)
  const seen = observers.map((observer) => observer.next())
  const candidate = lead(two, untilAborted, { value: 'one' })
  await Promise.all(seen)
  expect([by('candidate'), by('observer')]).toEqual([['one true'], ['one false']])
  for (const observer of observers) void observer.next()
  candidate.stop()
  await candidate.ended
  await settle()
  expect([by('candidate'), by('observer')]).toEqual([
    ['one true', 'undefined false'],
    ['one false', 'undefined false'],
  ])
  await Promise.all([two.one.close(), two.other.close()])
})

test('a tick is told on each host: by the one that ran it, and by one that did not', async () => {
  const { one, other, clock } = await twoClients(12_000)
  const ticks = heard('leasehold:cron.tick')
  const tick = new Date(clock.wallMs())
  const job = (hold: unknown, fail: boolean) => (fail ? Promise.reject(new Error('no')) : hold)
  await one.cron('a', { schedule: '* * * * *' }).run((hold) => job(hold, false), { tick })
  await other.cron('a', { schedule: '* * * * *' }).run((hold) => job(hold, false), { tick })
  const failing = one.cron('b', { schedule: '* * * * *' }).run((hold) => job(hold, true), { tick })
  await expect(failing).rejects.toThrow('no')
  expect(ticks).toMatchObject([
    { name: 'a', outcome: 'ran', tickMs: tick.getTime(), token: expect.any(BigInt) },
    { name: 'a', outcome: 'taken' },
    { name: 'b', outcome: 'failed', error: { message: 'no' } },
  ])
  await Promise.all([one.close(), other.close()])
})

test('a subscriber that throws, or leaves in the middle, disturbs no lock; its error is an uncaught exception', async () => {
  const throws = (): void => {
    throw new Error('a bad subscriber')
  }
  const bad = channel('tracing:leasehold:acquire:start')
  const listeners = process.rawListeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  onTestFinished(() => {
    bad.unsubscribe(throws)
    for (const listener of listeners) process.on('uncaughtException', listener as never)
  })
  bad.subscribe(throws)
  await using client = await connect(memory())
  const uncaught = once(process, 'uncaughtException')
  const hold = await client.mutex('a').acquire()
  expect(hold.held).toBe(true)
  expect(await uncaught).toMatchObject([{ message: 'a bad subscriber' }, 'uncaughtException'])
  bad.unsubscribe(throws)
  const acquires = traced('leasehold:acquire')
  const waiting = client.mutex('a').acquire()
  await settle()
  acquires.stop()
  await hold.release()
  await (await waiting).release()
  expect([acquires.begun.length, acquires.ended.length]).toEqual([1, 0])
})

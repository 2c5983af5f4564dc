// The health of a client and of its candidates, as a health check of a worker reads it.
import { expect, test } from 'vitest'
import type { CandidatePart, Leasehold } from '../../src/index.ts'
import { oneClient } from '../core/clients.ts'
import { settle } from '../core/manual-clock.ts'
import { depose, lead, scene, untilAborted } from './scene.ts'

const partsOf = (client: Leasehold): CandidatePart[] => client.health().elections.map(({ part }) => part)

test('a client that is renewed says its session, the time left and the age of the last answer', async () => {
  const { client, clock } = await oneClient(12_000)
  await clock.advance(1_000)
  expect(client.health()).toEqual({
    store: 'memory:',
    session: client.session,
    remainingMs: 9_800,
    lastAnswerAgeMs: 1_000,
    lastError: undefined,
    elections: [],
  })
  await clock.advance(60_000)
  expect(client.health().lastAnswerAgeMs).toBeLessThan(6_000)
  await client.close()
})

test('in an outage the answer grows old and the error is named, and at the deadline the session is gone', async () => {
  const { client, clock, store } = await oneClient(12_000)
  store.breakAll('refuse')
  await clock.advance(9_000)
  expect(client.health()).toMatchObject({
    remainingMs: 1_800,
    lastAnswerAgeMs: 9_000,
    lastError: 'the store is down',
  })
  clock.block(1_800) // no timer has run
  expect(client.health()).toMatchObject({ session: undefined, remainingMs: 0, lastAnswerAgeMs: 10_800 })
  store.faults.clear()
  await client.mutex('a').acquire()
  expect(client.health()).toMatchObject({ session: client.session, lastAnswerAgeMs: 0, lastError: undefined })
  await client.close()
  expect(client.health()).toMatchObject({ session: undefined, remainingMs: 0 })
})

test('after a loss the error is that of the store, also if the last request was still unanswered', async () => {
  const { client, clock, store } = await oneClient(12_000)
  await client.mutex('a').acquire()
  store.faults.set('renewSession', 'refuse')
  await clock.advance(9_500)
  store.breakAll('hang')
  await clock.advance(3_000)
  expect(client.health()).toMatchObject({ session: undefined, lastError: 'the store is down' })
  store.faults.clear()
  await Promise.all([client.close(), clock.advance(15_000)])
})

test('JSON can show the whole of it', async () => {
  const { client } = await oneClient(12_000)
  const term = await client.election('a').campaign()
  const shown = JSON.parse(JSON.stringify(client.health()))
  expect(shown).toMatchObject({ session: client.session, elections: [{ name: 'a', part: 'leader' }] })
  await term.resign()
  await client.close()
})

test('of two candidates one leads and one stands by, and both are off the list when they have stopped', async () => {
  const two = await scene()
  const first = lead(two, untilAborted)
  await settle()
  const controller = new AbortController()
  const second = two.other.election('a').lead(untilAborted, { signal: controller.signal })
  await settle()
  expect([partsOf(two.one), partsOf(two.other)]).toEqual([['leader'], ['standby']])
  first.stop()
  await first.ended
  await settle()
  expect([partsOf(two.one), partsOf(two.other)]).toEqual([[], ['leader']])
  controller.abort()
  await second
  expect(partsOf(two.other)).toEqual([])
  await Promise.all([two.one.close(), two.other.close()])
})

test('a leader whose work goes on after its deadline is overdue, also before any timer has run', async () => {
  const two = await scene()
  let end = (): void => {}
  const candidate = lead(two, () => new Promise<void>((resolve) => (end = resolve)), { graceMs: 60_000 })
  await settle()
  two.store.breakAll('hang')
  two.clock.block(10_799)
  expect(partsOf(two.one)).toEqual(['leader'])
  two.clock.block(1)
  expect(partsOf(two.one)).toEqual(['overdue'])
  end()
  await settle()
  expect(partsOf(two.one)).toEqual(['away'])
  two.store.faults.clear()
  await two.clock.advance(15_000)
  expect(partsOf(two.one)).toEqual(['leader'])
  candidate.stop()
  end()
  await candidate.ended
  await Promise.all([two.one.close(), two.other.close()])
})

test('a standby whose session is gone is away until it stands in line again', async () => {
  const two = await scene()
  const term = await two.other.election('a').campaign()
  const candidate = lead(two, untilAborted)
  await settle()
  expect(partsOf(two.one)).toEqual(['standby'])
  two.store.breakAll('hang')
  two.clock.block(10_800)
  expect(partsOf(two.one)).toEqual(['away'])
  two.store.faults.clear()
  await two.clock.advance(5_000)
  expect(partsOf(two.one)).not.toEqual(['away'])
  candidate.stop()
  await candidate.ended
  await term.resign()
  await Promise.all([two.one.close(), two.other.close()])
})

test('a candidate that is not eligible is away, and one that rests after a failure too', async () => {
  const two = await scene()
  let eligible = false
  const candidate = lead(two, () => Promise.reject(new Error('no')), { eligible: () => eligible })
  await settle()
  expect(partsOf(two.one)).toEqual(['away'])
  eligible = true
  await two.clock.advance(1_000)
  expect([candidate.errors.length > 0, partsOf(two.one)]).toEqual([true, ['away']])
  candidate.stop()
  await candidate.ended
  expect(partsOf(two.one)).toEqual([])
  await Promise.all([two.one.close(), two.other.close()])
})

test('a term of campaign is on the list until it is resigned or lost, and so is one of run', async () => {
  const two = await scene()
  const term = await two.one.election('a').campaign()
  expect(partsOf(two.one)).toEqual(['leader'])
  const waiting = two.one.election('a').tryCampaign()
  expect(await waiting).toBeUndefined()
  expect(partsOf(two.one)).toEqual(['leader'])
  await term.resign()
  expect(partsOf(two.one)).toEqual([])
  await two.one.election('a').campaign()
  await depose(two)
  expect(partsOf(two.one)).toEqual([])
  let part: CandidatePart[] = []
  await two.one.election('a').run(() => {
    part = partsOf(two.one)
  })
  expect([part, partsOf(two.one)]).toEqual([['leader'], []])
  const gaveUp = AbortSignal.abort('enough')
  await expect(two.one.election('a').campaign({ signal: gaveUp })).rejects.toBe('enough')
  expect(partsOf(two.one)).toEqual([])
  await Promise.all([two.one.close(), two.other.close()])
})

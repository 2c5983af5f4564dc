// When waits of the embedded store look that no event has woken, and what the looks of one moment share.
import { expect, test } from 'vitest'
import { Beat, type Cause, type Round } from '../../../src/backends/file/beats.ts'
import { ManualClock } from '../../core/manual-clock.ts'

function scene() {
  const clock = new ManualClock()
  const database = { version: 1n }
  const beat = new Beat(clock, { leastMs: 25, mostMs: 100 }, () => database.version)
  const wait = (isWatched: boolean) => {
    const causes: Cause[] = []
    const rounds: Round[] = []
    const added = {
      isWatched: () => isWatched,
      look(cause: Cause, round: Round) {
        causes.push(cause)
        rounds.push(round)
      },
    }
    beat.add(added)
    return { added, causes, rounds }
  }
  return { clock, database, beat, wait }
}

test('a wait with an event only looks after the processes ahead, and at every tenth tick at the database, too', async () => {
  const { clock, database, wait } = scene()
  const { causes } = wait(true)
  for (let tick = 0; tick < 10; tick += 1) {
    database.version += 1n
    await clock.advance(25)
  }
  expect(causes).toEqual([...Array.from({ length: 9 }, () => 'tick'), 'thorough'])
})

test('a wait without an event looks at each change of the database', async () => {
  const { clock, database, wait } = scene()
  const { causes } = wait(false)
  await clock.advance(25)
  await clock.advance(25)
  database.version += 1n
  await clock.advance(25)
  expect(causes).toEqual(['event', 'tick', 'event'])
})

test('the looks of one tick share a round, and a question of a round is asked once', async () => {
  const { clock, wait } = scene()
  const [one, other] = [wait(true), wait(true)]
  await clock.advance(25)
  expect(one.rounds[0]).toBe(other.rounds[0])
  expect(one.rounds[0]?.size).toBe(2)
  let asked = 0
  const round = one.rounds[0] as Round
  for (const _ of [1, 2]) expect(round.once('a', () => (asked += 1))).toBe(1)
  await clock.advance(25)
  expect(one.rounds[1]).not.toBe(round)
})

test('without waits there is no timer', async () => {
  const { clock, beat, wait } = scene()
  const { added } = wait(true)
  expect(clock.timers).toBe(1)
  beat.delete(added)
  expect(clock.timers).toBe(0)
})

/** The instants at which a wait looked. */
function looksOf(clock: ManualClock, beat: Beat, isWatched: boolean): number[] {
  const looks: number[] = []
  const since = clock.mark().monotonicMs
  beat.add({ isWatched: () => isWatched, look: () => void looks.push(clock.mark().monotonicMs - since) })
  return looks
}

test('the longer a wait lasts, the less often it looks, but ten times a second', async () => {
  const { clock, beat } = scene()
  const looks = looksOf(clock, beat, true)
  await clock.advance(250)
  expect(looks).toHaveLength(10)
  await clock.advance(1_750)
  expect(looks.length).toBeLessThan(40)
  const before = looks.length
  await clock.advance(10_000)
  expect(looks).toHaveLength(before + 100)
})

test('after a long wait a new one is looked after as often as any new wait', async () => {
  const { clock, beat } = scene()
  looksOf(clock, beat, true)
  await clock.advance(10_010)
  const looks = looksOf(clock, beat, true)
  await clock.advance(100)
  expect(looks).toEqual([25, 50, 75, 100])
})

test('a wait without an event looks as often after a long time as at first', async () => {
  const { clock, beat } = scene()
  const looks = looksOf(clock, beat, false)
  await clock.advance(10_000)
  expect(looks).toHaveLength(400)
})

test('a long wait has a thorough look each 300 ms', async () => {
  const { clock, wait } = scene()
  const { causes } = wait(true)
  await clock.advance(10_000)
  causes.length = 0
  await clock.advance(3_000)
  expect(causes.filter((cause) => cause === 'thorough')).toHaveLength(10)
})

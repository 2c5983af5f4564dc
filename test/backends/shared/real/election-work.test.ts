// Work that takes all of its time to stop, under a leader that is cut off at any moment: it has ended before the next
// leader's work begins. LEASEHOLD_ROUNDS sets how many rounds each store plays.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { coveredMs, stopBeforeDefaultMs, stopBeforeMostMs } from '../../../../src/core/lifetime.ts'
import { drawFor } from '../../../property/draw.ts'
import { type RealStore, realStores } from '../../../servers/real-stores.ts'
import { losses, type Played, play, type Round } from '../../../servers/shifts.ts'

const rounds = Number(process.env.LEASEHOLD_ROUNDS ?? 3)
/** Rounds at a time: Consul takes 200 connections from one address. */
const atOnce = 10

describe.for(realStores)('on $title', ({ title, use }) => {
  const store = use()

  test('no two work at once for any TTL from the minimum up, when the leader is cut off at any moment and its work takes its whole time to stop', {
    timeout: 60_000 + Math.ceil(rounds / atOnce) * 90_000,
  }, async ({ task }) => {
    const chances = fc.sample(chance, { numRuns: rounds, seed: drawFor(task).seed })
    const played: Played[] = []
    for (let from = 0; from < rounds; from += atOnce) {
      const some = chances.slice(from, from + atOnce)
      const plays = some.map(async (each, index) => play(store, await drawn(store, from + index, each)))
      played.push(...(await Promise.all(plays)))
    }

    const gaps = played.map(({ shifts: [one, two] }) => two.beganMs - one.endedMs)
    const late = played.map(({ lateMs }) => lateMs)
    const took = played.map(({ shifts: [, two], cutMs }) => two.beganMs - cutMs)
    const shown = [Math.min(...gaps), Math.max(...late), Math.min(...took), Math.max(...took)].map(Math.round)
    console.log(
      `${title}, ${rounds} rounds: the shortest time between two works was ${shown[0]} ms, timers were up to ` +
        `${shown[1]} ms late, the next work began ${shown[2]} to ${shown[3]} ms after the cut`,
    )
    for (const [index, { shifts, marginMs, lateMs }] of played.entries()) {
      expect(shifts.map(({ worker }) => worker)).toEqual(['one', 'two'])
      // The margin is there for timers that are late. A machine that stops for longer than that is no fault of ours.
      // Two timers follow one another: that of the signal, and that of the end of the work.
      const excusedMs = Math.max(0, 2 * lateMs - marginMs)
      expect(gaps[index], JSON.stringify(shifts)).toBeGreaterThan(-excusedMs)
    }
  })
})

/** The parts of a round that chance decides, from 0 to 1. */
const chance = fc.record({
  ttl: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.double({ min: 0, max: 1, noNaN: true }),
})
type Chance = typeof chance extends fc.Arbitrary<infer T> ? T : never

/** A round with a number: the loss and the time to stop by the number, all else by chance. */
async function drawn(store: RealStore, number: number, { ttl, cut }: Chance): Promise<Round> {
  const { facts } = await store.client('drawn/')
  const { min } = facts.ttlMs
  const ttlMs = number % 2 === 0 ? min : min + Math.round(ttl * min)
  const most = Math.floor(stopBeforeMostMs(ttlMs, facts))
  const stopBeforeMs = number % 3 === 0 ? most : stopBeforeDefaultMs(ttlMs, facts)
  const kinds = Object.keys(losses) as Round['lost'][]
  const lost = kinds[number % kinds.length] as Round['lost']
  const cutAtMs = cut * coveredMs(ttlMs, facts) * 0.6
  return { ttlMs, stopBeforeMs, cutAtMs, lost, endsSession: facts.endsEarly && number % 2 === 1 }
}

// The connection to etcd over a peer that answers late, twice, out of order, cut short, for another id or not at all. The
// simulated etcd stands in for all of that, so no other property sees it. Owns how many runs, and their seed.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { currentSeed } from '../seed.mjs'
import { exploreStreams, replayStreams } from './explore.ts'

const seed = currentSeed()
/** A twentieth of what locks get: a run takes real time. */
const runs = Math.ceil(Number(process.env.LEASEHOLD_RUNS ?? 5_500) / 20)
/** So many runs see every state; a few for the mutants need not. */
const enough = 200
const mustSee = [
  'renewal answered',
  'request answered',
  'given up',
  'unavailable',
  'session gone',
  'watch live',
  'watch ended',
  'event heard',
]
const kept = process.env.LEASEHOLD_STREAM_PLAN

if (kept) {
  test(`the plan of ${kept} fails no more`, async () => {
    const { violations, story } = await replayStreams(JSON.parse(readFileSync(kept, 'utf8')).plan)
    expect(violations, story).toEqual([])
  })
} else {
  test(`every request settles once and by its own answer, and every watch hears its events in order or of its end, in ${runs} runs`, async () => {
    const { violations, failure, marks } = await exploreStreams(seed, runs)
    expect(violations, failure).toEqual([])
    if (runs >= enough) expect(mustSee.filter((state) => !marks.get(state))).toEqual([])
  }, 120_000)
}

test.for(['cut short', 'end', 'reset', 'garbage'] as const)(
  'an answer that is broken off (%s) is an outage, which is asked again, and not a refusal',
  async (kind) => {
    const txn = { verb: 'txn', which: 0, limitMs: 2_000, awaited: true, restMs: 0 } as const
    const unary = [{ kind, afterMs: 0, code: 0 }]
    const plan = { steps: [txn], unary, renewals: [], watches: [], closesEarly: false }
    const { violations, marks, story } = await replayStreams(plan)
    expect(violations, story).toEqual([])
    expect(marks.get('unavailable')).toBe(1)
  },
)

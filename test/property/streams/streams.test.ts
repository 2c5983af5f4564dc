// The connection to etcd with a peer that answers late, twice, out of order, cut short, for another id or not at all.
// The simulated etcd replaces this connection, so no other property covers it. Owns the seed.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { oneIn } from '../runs.ts'
import { currentSeed } from '../seed.mjs'
import { exploreStreams, replayStreams } from './explore.ts'

const seed = currentSeed()
const runs = oneIn(5)
/** With this many runs every state must be seen; the few runs for mutants are exempt. */
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
  test(`the plan of ${kept} no longer fails`, async () => {
    const { violations, story } = await replayStreams(JSON.parse(readFileSync(kept, 'utf8')).plan)
    expect(violations, story).toEqual([])
  })
} else {
  test(`every request settles once and by its own answer, and every watch gets its events in order or its end, in ${runs} runs`, async () => {
    const { violations, failure, marks } = await exploreStreams(seed, runs)
    expect(violations, failure).toEqual([])
    if (runs >= enough) expect(mustSee.filter((state) => !marks.get(state))).toEqual([])
  }, 120_000)
}

test.for(['cut short', 'end', 'reset', 'garbage'] as const)(
  'an answer that is cut off (%s) is an outage, so it is repeated, and no refusal',
  async (kind) => {
    const txn = { verb: 'txn', which: 0, limitMs: 2_000, awaited: true, restMs: 0 } as const
    const unary = [{ kind, afterMs: 0, code: 0 }]
    const plan = { steps: [txn], unary, renewals: [], watches: [], closesEarly: false }
    const { violations, marks, story } = await replayStreams(plan)
    expect(violations, story).toEqual([])
    expect(marks.get('unavailable')).toBe(1)
  },
)

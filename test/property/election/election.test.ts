// One leader at a time, whatever happens to the candidates. Owns how many runs, and what they must have seen.
import { expect, test } from 'vitest'
import { explore } from '../explore.ts'
import { electionPlans } from './plan.ts'

/** An eighteenth of what locks get: a run is longer. */
const runs = Math.ceil(Number(process.env.LEASEHOLD_RUNS ?? 5_500) / 18)
const mustSee = ['term', 'term lost', 'leader observed', 'no leader observed']

test.each(['etcd', 'consul'] as const)(
  'on a simulated %s one leads at a time, terms grow, work ends before its term, observers learn the last state, and nobody stops standing',
  async (store) => {
    const { failure, marks } = await explore({ store, kind: 'election', plans: electionPlans, runs })
    expect(failure ?? 'nothing failed').toBe('nothing failed')
    expect(mustSee.filter((state) => !marks.get(state))).toEqual([])
  },
  240_000,
)

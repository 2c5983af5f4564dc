// One leader at a time, whatever happens to the candidates. Owns how many runs, and what they must have seen.
import { test } from 'vitest'
import { holdsInAllRuns } from '../explore.ts'
import { electionPlans } from './plan.ts'

/** An eighteenth of what locks get: a run is longer. */
const runs = Math.ceil(Number(process.env.LEASEHOLD_RUNS ?? 5_500) / 18)
const mustSee = ['term', 'term lost', 'leader observed', 'no leader observed']

test.for(['etcd', 'consul'] as const)(
  'on a simulated %s one leads at a time, terms grow, work ends before its term, observers learn the last state, and nobody stops standing',
  { timeout: 240_000 },
  (store, { task }) => holdsInAllRuns(task, { store, kind: 'election', plans: electionPlans, runs }, mustSee),
)

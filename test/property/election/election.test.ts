// One leader at a time, with all faults of the candidates. Owns the states that the runs must have
// seen.
import { test } from 'vitest'
import { holdsInAllRuns } from '../explore.ts'
import { oneIn } from '../runs.ts'
import { electionPlans } from './plan.ts'

const runs = oneIn(10)
const mustSee = ['term', 'term lost', 'leader observed', 'no leader observed', 'higher leads', 'handed over']

test.for(['etcd', 'consul'] as const)(
  'on a simulated %s one leads at a time, tokens of terms grow, work ends before its term, observers see the last state, and every candidate keeps standing',
  { timeout: 900_000 },
  (store, { task }) => holdsInAllRuns(task, { store, kind: 'election', plans: electionPlans, runs }, mustSee),
)

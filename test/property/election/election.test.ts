// One leader at a time, whatever happens to the candidates. Owns how many runs, and what they must have seen.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stores } from '../stores.ts'
import { type ElectionPlan, electionPlans } from './plan.ts'
import { runElectionPlan } from './run.ts'

const runs = Number(process.env.LEASEHOLD_ELECTION_RUNS ?? 300)
const mustSee = [
  'term',
  'term lost',
  'leader observed',
  'no leader observed',
  'fault: kill',
  'fault: resign',
  'fault: fail',
]

test.each(['etcd', 'consul'] as const)(
  'on a simulated %s one leads at a time, terms grow, work ends before its term, observers learn the last state, and nobody stops standing',
  async (store) => {
    const marks = new Map<string, number>()
    const property = fc.asyncProperty(electionPlans, async (plan) => {
      const verdict = await runElectionPlan(stores[store], plan)
      for (const [mark, times] of verdict.marks) marks.set(mark, (marks.get(mark) ?? 0) + times)
      if (verdict.violations.length > 0) throw new Error(verdict.violations.join('\n'))
    })
    const seed = process.env.LEASEHOLD_SEED ? { seed: Number(process.env.LEASEHOLD_SEED) } : {}
    const details = await fc.check(property, { numRuns: runs, ...seed })
    const [plan] = details.counterexample ?? []
    expect(plan ? await tell(store, plan, details.seed) : 'nothing failed').toBe('nothing failed')
    expect(mustSee.filter((state) => !marks.get(state))).toEqual([])
  },
  240_000,
)

async function tell(store: 'etcd' | 'consul', plan: ElectionPlan, seed: number): Promise<string> {
  const { violations, story } = await runElectionPlan(stores[store], plan, { log: true })
  return [`seed ${seed} on ${store}: ${JSON.stringify(plan)}`, story, ...violations].join('\n')
}

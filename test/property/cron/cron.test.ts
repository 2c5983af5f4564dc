// Once per tick, over hosts whose clocks differ, that die and are cut off: for an hour of simulated time. Owns how many runs.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stores } from '../stores.ts'
import { type CronPlan, cronPlans } from './plan.ts'
import { runCronPlan } from './run.ts'

const runs = Number(process.env.LEASEHOLD_CRON_RUNS ?? 24)

describe.each(['etcd', 'consul'] as const)('on a simulated %s', (store) => {
  test.each([
    ['ten hosts, an hour', cronPlans(10, 60), Math.ceil(runs / 8)],
    ['four hosts, ten minutes', cronPlans(4, 10), runs],
  ] as const)(
    'every tick runs at most once, and once where a host could; what nobody ran is told or made up for: %s',
    async (_, plans, count) => {
      const marks = new Map<string, number>()
      const property = fc.asyncProperty(plans as fc.Arbitrary<CronPlan>, async (plan) => {
        const verdict = await runCronPlan(stores[store], plan)
        for (const [mark, times] of verdict.marks) marks.set(mark, (marks.get(mark) ?? 0) + times)
        if (verdict.violations.length > 0) throw new Error(verdict.violations.join('\n'))
      })
      const seed = process.env.LEASEHOLD_SEED ? { seed: Number(process.env.LEASEHOLD_SEED) } : {}
      const details = await fc.check(property, { numRuns: count, interruptAfterTimeLimit: 100_000, ...seed })
      const [plan] = details.counterexample ?? []
      const told = plan ? await tell(store, plan, details.seed) : 'nothing failed'
      expect(told).toBe('nothing failed')
      const often = ['tick missed', 'tick run again', 'fault: freeze']
      const mustSee = ['tick run', 'fault: kill', 'fault: cut', ...(count > 100 ? often : [])]
      expect(mustSee.filter((state) => !marks.get(state))).toEqual([])
    },
    240_000,
  )
})

async function tell(store: 'etcd' | 'consul', plan: CronPlan, seed: number): Promise<string> {
  const { violations, story } = await runCronPlan(stores[store], plan, { log: true })
  return [`seed ${seed} on ${store}: ${JSON.stringify(plan)}`, story, ...violations].join('\n')
}

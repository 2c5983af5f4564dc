import fc from 'fast-check'
import { test } from 'vitest'
import { troubled } from './plan.ts'
import { runPlan } from './run.ts'
import * as stores from './stores.ts'

test('try', async () => {
  const make = process.env.STORE === 'consul' ? stores.consul : stores.etcd
  const begun = Date.now()
  const marks = new Map<string, number>()
  const out = await fc.check(
    fc.asyncProperty(troubled, async (plan) => {
      const { violations, marks: seen } = await runPlan(make, plan)
      for (const [mark, count] of seen) marks.set(mark, (marks.get(mark) ?? 0) + count)
      if (violations.length > 0) throw new Error(violations.slice(0, 5).join('\n'))
    }),
    {
      numRuns: Number(process.env.RUNS ?? 200),
      seed: Number(process.env.SEED ?? Date.now() % 1e9),
      interruptAfterTimeLimit: Number(process.env.LIMIT ?? 30_000),
    },
  )
  console.log(out.numRuns, 'runs', Date.now() - begun, 'ms', [...marks])
  if (out.failed) {
    const plan = out.counterexample?.[0]
    console.log(JSON.stringify(plan), out.numShrinks, out.errorInstance)
    if (plan) console.log((await runPlan(make, plan, { log: true })).story)
    throw out.errorInstance
  }
}, 600_000)

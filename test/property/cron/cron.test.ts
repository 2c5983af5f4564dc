// Ticks run once, over hosts whose clocks differ, and that die and are cut off, for an hour of simulated time. Owns
// the number of runs.
import { describe, test } from 'vitest'
import { holdsInAllRuns } from '../explore.ts'
import { cronPlans } from './plan.ts'

/** A hundredth of the runs of locks, since one run takes a hundred times as long. */
const runs = Math.ceil(Number(process.env.LEASEHOLD_RUNS ?? 5_500) / 100)
const mustSee = ['tick run', 'fault: kill', 'fault: cut']

describe.each(['etcd', 'consul'] as const)('on a simulated %s', (store) => {
  test.for([
    ['four hosts, ten minutes', cronPlans(4, 10), runs],
    ['ten hosts, an hour', cronPlans(10, 60), Math.ceil(runs / 8)],
  ] as const)(
    'every tick runs at most once, and exactly once if a host could run it; missed ticks are reported or run late: %s',
    { timeout: 240_000 },
    ([_, plans, count], { task }) =>
      holdsInAllRuns(task, { store, kind: 'cron', plans, runs: count }, mustSee),
  )
})

// Once per tick, over hosts whose clocks differ, that die and are cut off, with outages over ticks, runs by hand, and one
// clock that is years off: for an hour of simulated time. ../runs.ts has the number of runs.
import { describe, test } from 'vitest'
import { holdsInAllRuns } from '../explore.ts'
import { oneIn } from '../runs.ts'
import { cronPlans } from './plan.ts'

const runs = oneIn(40)
const mustSee = ['tick run', 'fault: kill', 'fault: cut']
/** Events that the few long runs may lack. */
const rare = ['fault: outage', 'fault: by hand', 'by hand: early', 'wrong clock told', 'tick given back']

describe.each(['etcd', 'consul'] as const)('on a simulated %s', (store) => {
  test.for([
    ['four hosts, ten minutes', cronPlans(4, 10), runs, [...mustSee, ...rare]],
    ['ten hosts, an hour', cronPlans(10, 60), Math.ceil(runs / 8), mustSee],
  ] as const)(
    'every tick runs at most once, and exactly once if a host could run it; missed ticks are reported or run late: %s',
    { timeout: 900_000 },
    ([_, plans, count, states], { task }) =>
      holdsInAllRuns(task, { store, kind: 'cron', plans, runs: count }, states),
  )
})

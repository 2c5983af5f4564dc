// Weighted permits, readers and writers, and groups of mutexes, on simulated stores. ../runs.ts has their number.
import { describe, test } from 'vitest'
import { holdsInAllRuns } from '../explore.ts'
import { oneIn } from '../runs.ts'
import { alsoOnEtcd, healthy, statesToSee, troubled } from './plan.ts'

/** Few, since these forms use the code that the runs of locks explore. */
const runs = oneIn(40)
const statesWithoutFaults = statesToSee.filter((state) => state !== 'hold lost')

describe.each(['etcd', 'consul', 'memory'] as const)('on a simulated %s', (store) => {
  test(
    'without faults, holds fit into the permits, and a claim that waits is not overtaken',
    {
      timeout: 900_000,
    },
    ({ task }) =>
      holdsInAllRuns(task, { store, kind: 'shapes', plans: healthy, runs }, [
        ...statesWithoutFaults,
        ...(store === 'etcd' ? [alsoOnEtcd] : []),
      ]),
  )
})

describe.each(['etcd', 'consul'] as const)('on a simulated %s with faults', (store) => {
  test(
    'holds fit into the permits, a writer has the largest token, and all calls end',
    {
      timeout: 900_000,
    },
    ({ task }) =>
      holdsInAllRuns(task, { store, kind: 'shapes', plans: troubled, runs }, [
        ...statesToSee,
        ...(store === 'etcd' ? [alsoOnEtcd] : []),
      ]),
  )
})

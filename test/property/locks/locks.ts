// The invariants of locks, as tests for one simulated store. Owns the states that the runs must have
// seen: a run without faults proves nothing.
import { describe, test } from 'vitest'
import { holdsInAllRuns } from '../explore.ts'
import { lockRuns, oneIn } from '../runs.ts'
import type { StoreName } from '../stores.ts'
import { healthy, troubled } from './plan.ts'

/** An option of a store has fewer runs than the store. */
function ofStore(store: StoreName): number {
  return store === 'etcd-delay' ? oneIn(3) : lockRuns
}

/** The states that some run must have seen. */
const mustSee: Record<StoreName, readonly string[]> = {
  etcd: ['lease expired', 'watch broken', 'watch event lost', 'watch from a lagging member'],
  'etcd-delay': ['lease expired', 'lease ended early'],
  consul: ['session expired', 'session ended early', 'lock-delay', 'stale read', 'index reset'],
  memory: [],
}
const mustSeeEverywhere = [
  'hold lost',
  'request lost',
  'answer lost after it was applied',
  'leader change',
  'operator',
]

/** All states that the runs with faults of a store must have seen. */
export function statesToSee(store: StoreName): readonly string[] {
  return [...mustSeeEverywhere, ...mustSee[store]]
}

/** Declares the properties for one store. */
export function locks(store: StoreName): void {
  describe(`on a simulated ${store}`, () => {
    test('without faults no hold is lost, nobody is overtaken, and no lock stays free while a client waits', async ({
      task,
    }) => {
      // Runs on memory are cheap, and memory has no runs with faults.
      const count = store === 'memory' ? lockRuns : Math.ceil(ofStore(store) / 2)
      await holdsInAllRuns(task, { store, plans: healthy, runs: count })
    }, 900_000)

    if (store === 'memory') return // a stopped process would stop the store in it, too

    test('with any faults, a client that believes it holds does hold, learns of a loss once, and goes on after the faults', async ({
      task,
    }) => {
      await holdsInAllRuns(task, { store, plans: troubled, runs: ofStore(store) }, statesToSee(store))
    }, 900_000)
  })
}

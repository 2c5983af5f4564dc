// What always holds of locks, as tests for one simulated store. Owns how many runs that are, and what they must have seen:
// a run in which nothing went wrong proves nothing.
import { describe, test } from 'vitest'
import { holdsInAllRuns } from '../explore.ts'
import type { StoreName } from '../stores.ts'
import { healthy, troubled } from './plan.ts'

/** Runs for each store in one `npm test`. */
const runs = Number(process.env.LEASEHOLD_RUNS ?? 5_500)

/** What must have happened somewhere in the runs. */
const mustSee: Record<StoreName, readonly string[]> = {
  etcd: ['lease expired', 'watch broken', 'watch event lost', 'watch from a lagging member'],
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

/** All states that the troubled runs of a store must have seen. */
export function statesToSee(store: StoreName): readonly string[] {
  return [...mustSeeEverywhere, ...mustSee[store]]
}

/** Declares the properties for one store. */
export function locks(store: StoreName): void {
  describe(`on a simulated ${store}`, () => {
    test('while nothing goes wrong, no hold is lost, nobody is overtaken, and no lock stays free while one waits', async ({
      task,
    }) => {
      // Those on memory are cheap, and all that is left out there of the troubled ones.
      const count = store === 'memory' ? runs : Math.ceil(runs / 2)
      await holdsInAllRuns(task, { store, plans: healthy, runs: count })
    }, 240_000)

    if (store === 'memory') return // a process that stops would have to stop the store in it

    test('whatever goes wrong, who believes to hold does, is told of a loss once, and all go on when it heals', async ({
      task,
    }) => {
      await holdsInAllRuns(task, { store, plans: troubled, runs }, statesToSee(store))
    }, 240_000)
  })
}

// The traces of drawn runs as hashes, in a file, for tools/traces.mjs to compare. A plan must give the same trace on
// every version of Node. Owns the choice of runs.
import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { healthy, troubled } from '../locks/plan.ts'
import { runPlan } from '../locks/run.ts'
import { type StoreName, stores } from '../stores.ts'

const { LEASEHOLD_TRACES: file = '', LEASEHOLD_TRACES_SEED: seed, LEASEHOLD_TRACES_RUNS: runs } = process.env

/** The plans for each store. In memory a stopped process would stop the store in it. */
const plans = {
  etcd: [healthy, troubled],
  'etcd-delay': [troubled],
  consul: [healthy, troubled],
  memory: [healthy],
}

test('every run has a trace', async () => {
  const digests: Record<string, string> = {}
  for (const store of Object.keys(plans) as StoreName[]) {
    for (const kind of plans[store]) {
      const title = `${store}, ${kind === healthy ? 'healthy' : 'troubled'}`
      const drawn = fc.sample(kind, { seed: Number(seed), numRuns: Number(runs) })
      for (const [index, plan] of drawn.entries()) {
        const { digest } = await runPlan(stores[store], plan)
        digests[`${title} plan ${index}`] = digest
      }
    }
  }
  writeFileSync(file, JSON.stringify(digests))
  expect(Object.keys(digests).length).toBeGreaterThan(0)
}, 600_000)

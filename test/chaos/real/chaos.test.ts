// Two minutes of `npm run chaos` on real stores, from a seed: a cluster of etcd with faults of servers, links and workers,
// and the embedded store at the same time. docs/chaos.md says what is judged.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runChaos } from '../../../tools/chaos/run.mjs'
import { builtPackage } from '../../built.ts'

const limitMs = 420_000
const index = join(builtPackage(), 'dist', 'index.js')

test.concurrent.for([
  { store: 'etcd', minutes: 1.5, seed: 20 },
  { store: 'file', minutes: 1, seed: 21 },
])(
  'on $store no two hold, tokens grow, a fenced register loses nothing, and all go on after each fault',
  { timeout: limitMs },
  async (plan) => {
    const log = (line: string): void => console.log(`${plan.store}: ${line}`)
    const { lines, violations } = await runChaos({ ...plan, faults: [], workloads: [], index, log })
    console.log(lines.join('\n'))
    expect(violations).toEqual([])
  },
)

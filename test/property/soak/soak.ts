// `npm run soak`: makes new runs until its time is over, and reports what they have seen. Owns the choice of runs, and
// no property.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cronPlans } from '../cron/plan.ts'
import { type Draw, seedFrom } from '../draw.ts'
import { electionPlans } from '../election/plan.ts'
import { explore } from '../explore.ts'
import type { Kind } from '../kinds.ts'
import { statesToSee } from '../locks/locks.ts'
import { healthy, troubled, troubleKinds } from '../locks/plan.ts'
import { currentSeed } from '../seed.mjs'
import * as shapes from '../shapes/plan.ts'
import type { StoreName } from '../stores.ts'
import { type Seen, summary, table } from './table.ts'

const {
  LEASEHOLD_SOAK_MINUTES = '1',
  LEASEHOLD_SOAK_STORE: wantedStore,
  LEASEHOLD_SOAK_KIND: wantedKind,
  LEASEHOLD_CASE: wantedCase,
} = process.env
const minutes = Number(LEASEHOLD_SOAK_MINUTES)

/** How long the plans of one kind run before the next kind has its turn. */
interface Share {
  readonly title: string
  readonly kind: Kind
  readonly plans: fc.Arbitrary<unknown>
  readonly ms: number
}

/** One of four without faults, since only these judge the order of the line. */
const anyShapes = fc.oneof(
  { weight: 3, arbitrary: shapes.troubled },
  { weight: 1, arbitrary: shapes.healthy },
)
const onServers: readonly Share[] = [
  { title: 'troubled', kind: 'locks', plans: troubled, ms: 10_000 },
  { title: 'healthy', kind: 'locks', plans: healthy, ms: 4_000 },
  { title: 'shapes', kind: 'shapes', plans: anyShapes, ms: 6_000 },
  { title: 'election', kind: 'election', plans: electionPlans, ms: 4_000 },
  { title: 'cron', kind: 'cron', plans: cronPlans(6, 15), ms: 4_000 },
]
const shares: Record<StoreName, readonly Share[]> = {
  etcd: onServers,
  'etcd-delay': onServers,
  consul: onServers,
  // A stopped process would stop the store in it. The other runs are cheap, and need less time.
  memory: [
    { title: 'healthy', kind: 'locks', plans: healthy, ms: 1_000 },
    { title: 'shapes', kind: 'shapes', plans: shapes.healthy, ms: 1_000 },
  ],
}

/** Declares a soak of these stores, in turn. */
export function soak(...stores: readonly StoreName[]): void {
  const wanted = stores.filter((store) => store === (wantedStore ?? store) && sharesOf(store).length > 0)
  const length = wantedCase === undefined ? `in ${minutes} minutes of fresh runs` : `in case ${wantedCase}`
  test.runIf(wanted.length > 0)(
    `${wanted.join(', ')}: nothing fails ${length}`,
    async () => {
      const all = wanted.map((store): Seen => ({ store, runs: new Map(), spentMs: 0, marks: new Map() }))
      const endMs = performance.now() + 60_000 * minutes
      for (let round = 0; performance.now() < endMs && (round === 0 || wantedCase === undefined); round += 1)
        for (const seen of all) await play(seen, round, endMs)
      for (const seen of all) process.stdout.write(told(seen))
    },
    60_000 * (minutes + 5),
  )
}

/** At the end: the table of the faults in the runs, if there should be any. */
function told(seen: Seen): string {
  if (wantedCase !== undefined || seen.store === 'memory') return `${summary(seen)}\n`
  const [ofLocks, ofShapes] = [seen.runs.has('troubled'), seen.runs.has('shapes')]
  const states = [...(ofLocks ? statesToSee(seen.store) : []), ...(ofShapes ? shapes.statesToSee : [])]
  const faults = [...(ofLocks ? troubleKinds : []), ...(ofShapes ? shapes.troubleKinds : [])]
  return states.length > 0 ? table(seen, { states, faults }) : `${summary(seen)}\n`
}

function sharesOf(store: StoreName): readonly Share[] {
  return shares[store].filter(({ title }) => title === (wantedKind ?? title))
}

/** Each round has a seed of its own, so that the first round of another soak can replay it. */
function drawFor(store: StoreName, title: string, round: number): Draw {
  const seed = (currentSeed() + round) % 2 ** 31
  return {
    seed: seedFrom(seed, 'soak', store, title),
    only: wantedCase,
    replay: (path) => `npm run soak -- --seed ${seed} --store ${store} --kind ${title} --case ${path}`,
  }
}

/** One round of a store: all its kinds, each for its time. */
async function play(seen: Seen, round: number, endMs: number): Promise<void> {
  const { store } = seen
  for (const { title, kind, plans, ms } of sharesOf(store)) {
    const begunMs = performance.now()
    const limitMs = Math.min(ms, endMs - begunMs)
    if (limitMs < 100) return
    const expedition = { store, kind, plans, runs: 1_000_000, limitMs }
    const report = await explore<unknown>(expedition, drawFor(store, title, round))
    seen.runs.set(title, (seen.runs.get(title) ?? 0) + report.runs)
    seen.spentMs += performance.now() - begunMs
    for (const [mark, count] of report.marks) seen.marks.set(mark, (seen.marks.get(mark) ?? 0) + count)
    process.stdout.write(`${summary(seen)}\n`)
    expect(report.violations, report.failure).toEqual([])
  }
}

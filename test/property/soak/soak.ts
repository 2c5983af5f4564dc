// `npm run soak`: goes on with fresh runs for as long as it is told, and says what it has seen. Owns no property.
import type fc from 'fast-check'
import { expect, test } from 'vitest'
import { cronPlans } from '../cron/plan.ts'
import { electionPlans } from '../election/plan.ts'
import { explore } from '../explore.ts'
import { statesToSee } from '../locks/locks.ts'
import { healthy, troubled } from '../locks/plan.ts'
import type { StoreName } from '../stores.ts'
import { type Seen, summary, table } from './table.ts'

const minutes = Number(process.env.LEASEHOLD_SOAK_MINUTES ?? 1)
/** How long each kind of plan is run before it is the next one's turn. */
const shares = [
  { title: 'troubled', kind: 'locks', plans: troubled as fc.Arbitrary<unknown>, ms: 10_000 },
  { title: 'healthy', kind: 'locks', plans: healthy, ms: 4_000 },
  { title: 'election', kind: 'election', plans: electionPlans, ms: 4_000 },
  { title: 'cron', kind: 'cron', plans: cronPlans(6, 15), ms: 4_000 },
] as const

/** Declares the soak of one store. */
export function soak(store: StoreName): void {
  test(
    `${store}: nothing fails in ${minutes} minutes of fresh runs`,
    async () => {
      const seen: Seen = { store, runs: new Map(), spentMs: 0, marks: new Map() }
      const endMs = performance.now() + 60_000 * minutes
      while (performance.now() < endMs) await round(seen, endMs)
      process.stdout.write(table(seen, statesToSee(store)))
    },
    60_000 * (minutes + 5),
  )
}

async function round(seen: Seen, endMs: number): Promise<void> {
  const { store } = seen
  for (const { title, kind, plans, ms } of shares) {
    const begunMs = performance.now()
    const limitMs = Math.min(ms, endMs - begunMs)
    if (limitMs < 100) return
    const report = await explore<unknown>({ store, kind, plans, runs: 1_000_000, limitMs })
    seen.runs.set(title, (seen.runs.get(title) ?? 0) + report.runs)
    seen.spentMs += performance.now() - begunMs
    for (const [mark, count] of report.marks) seen.marks.set(mark, (seen.marks.get(mark) ?? 0) + count)
    process.stdout.write(`${summary(seen)}\n`)
    expect(report.failure ?? 'nothing failed').toBe('nothing failed')
  }
}

// `npm run soak`: goes on with fresh runs for as long as it is told, and says what it has seen. Owns no property.
import { expect, test } from 'vitest'
import { explore } from '../explore.ts'
import { statesToSee } from '../locks.ts'
import { healthy, troubled } from '../plan.ts'
import type { StoreName } from '../stores.ts'
import { type Seen, table } from './table.ts'

const minutes = Number(process.env.LEASEHOLD_SOAK_MINUTES ?? 1)
/** How long each kind of plan is run before it is the other's turn. */
const roundsMs = [
  { plans: troubled, kind: 'troubled', ms: 14_000 },
  { plans: healthy, kind: 'healthy', ms: 6_000 },
] as const

/** Declares the soak of one store. */
export function soak(store: StoreName): void {
  test(
    `${store}: nothing fails in ${minutes} minutes of fresh runs`,
    async () => {
      const seen: Seen = { store, runs: { troubled: 0, healthy: 0 }, spentMs: 0, marks: new Map() }
      const endMs = performance.now() + 60_000 * minutes
      while (performance.now() < endMs) await round(seen, endMs)
      process.stdout.write(table(seen, statesToSee(store)))
    },
    60_000 * (minutes + 5),
  )
}

async function round(seen: Seen, endMs: number): Promise<void> {
  for (const { plans, kind, ms } of roundsMs) {
    const begunMs = performance.now()
    const limitMs = Math.min(ms, endMs - begunMs)
    if (limitMs < 100) return
    const report = await explore({ store: seen.store, plans, runs: 1_000_000, limitMs })
    seen.runs[kind] += report.runs
    seen.spentMs += performance.now() - begunMs
    for (const [mark, count] of report.marks) seen.marks.set(mark, (seen.marks.get(mark) ?? 0) + count)
    const rate = Math.round((seen.runs.troubled + seen.runs.healthy) / (seen.spentMs / 1_000))
    process.stdout.write(
      `${seen.store}: ${seen.runs.troubled} troubled runs and ${seen.runs.healthy} healthy ones, ${rate} a second\n`,
    )
    expect(report.failure ?? 'nothing failed').toBe('nothing failed')
  }
}

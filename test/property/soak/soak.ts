// `npm run soak`: goes on with fresh runs for as long as it is told, and says what it has seen. Owns no property.
import { expect, test } from 'vitest'
import { explore } from '../explore.ts'
import { troubled } from '../plan.ts'
import type { StoreName } from '../stores.ts'

const minutes = Number(process.env.LEASEHOLD_SOAK_MINUTES ?? 1)
/** How often it reports. */
const roundMs = 20_000

/** Declares the soak of one store. */
export function soak(store: StoreName): void {
  test(
    `${store}: nothing fails in ${minutes} minutes of fresh runs`,
    async () => {
      const endMs = performance.now() + 60_000 * minutes
      const marks = new Map<string, number>()
      let runs = 0
      let spentMs = 0
      while (performance.now() < endMs) {
        const begunMs = performance.now()
        const limitMs = Math.min(roundMs, Math.max(1_000, endMs - begunMs))
        const report = await explore({ store, plans: troubled, runs: 1_000_000, limitMs })
        runs += report.runs
        spentMs += performance.now() - begunMs
        for (const [mark, count] of report.marks) marks.set(mark, (marks.get(mark) ?? 0) + count)
        process.stdout.write(`${store}: ${runs} runs, ${Math.round(runs / (spentMs / 1_000))} a second\n`)
        expect(report.failure ?? 'nothing failed').toBe('nothing failed')
      }
      process.stdout.write(table(store, runs, marks))
    },
    60_000 * (minutes + 5),
  )
}

function table(store: StoreName, runs: number, marks: ReadonlyMap<string, number>): string {
  const rows = [...marks].sort(([one], [other]) => one.localeCompare(other))
  const lines = rows.map(([mark, count]) => `  ${mark.padEnd(36)} ${String(count).padStart(10)}`)
  return `${store}: ${runs} runs, in which was seen\n${lines.join('\n')}\n`
}

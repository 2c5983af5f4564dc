// What a soak has seen, for people. Owns the table.
import { troubleKinds } from '../plan.ts'
import type { StoreName } from '../stores.ts'

/** What all runs of one store have seen until now. */
export interface Seen {
  readonly store: StoreName
  readonly runs: { troubled: number; healthy: number }
  spentMs: number
  readonly marks: Map<string, number>
}

const fault = 'fault: '

/** Faults by kind, and states; also those that never came, where they should have. */
export function table({ store, runs, spentMs, marks }: Seen, wanted: readonly string[]): string {
  const all = runs.troubled + runs.healthy
  const states = new Set([...wanted, ...[...marks.keys()].filter((mark) => !mark.startsWith(fault))])
  const row = (name: string, mark: string): string => {
    const count = marks.get(mark) ?? 0
    const often = count === 0 ? 'never' : ((1_000 * count) / all).toFixed(count < all / 100 ? 2 : 0)
    return `  ${name.padEnd(36)} ${String(count).padStart(10)} ${often.padStart(16)}`
  }
  const head = (title: string): string =>
    `  ${title.padEnd(36)} ${'count'.padStart(10)} ${'in 1,000 runs'.padStart(16)}`
  return [
    `${store}: ${runs.troubled} troubled runs and ${runs.healthy} healthy ones, ${Math.round(all / (spentMs / 1_000))} a second`,
    head('fault caused'),
    ...troubleKinds.map((kind) => row(kind, fault + kind)),
    head('state seen'),
    ...[...states].sort().map((state) => row(state, state)),
    '',
  ].join('\n')
}

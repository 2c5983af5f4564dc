// The results of a soak, for people. Owns the table.
import type { StoreName } from '../stores.ts'

/** The states that all runs of one store have seen so far. */
export interface Seen {
  readonly store: StoreName
  /** By kind of plan. */
  readonly runs: Map<string, number>
  spentMs: number
  readonly marks: Map<string, number>
}

const fault = 'fault: '

/** The number of runs of each kind, and their rate. */
export function summary({ store, runs, spentMs }: Seen): string {
  const all = [...runs.values()].reduce((sum, count) => sum + count, 0)
  const each = [...runs].map(([kind, count]) => `${count} ${kind}`).join(', ')
  return `${store}: ${each} runs, ${Math.round(all / (spentMs / 1_000))} a second`
}

/** Faults by kind, and states, including those that never came but should have. */
export function table(seen: Seen, wanted: Readonly<Record<'faults' | 'states', readonly string[]>>): string {
  const { runs, marks } = seen
  const all = [...runs.values()].reduce((sum, count) => sum + count, 0)
  const faults = new Set([
    ...wanted.faults.map((kind) => fault + kind),
    ...[...marks.keys()].filter((mark) => mark.startsWith(fault)),
  ])
  const states = new Set([...wanted.states, ...[...marks.keys()].filter((mark) => !mark.startsWith(fault))])
  const row = (name: string, mark: string): string => {
    const count = marks.get(mark) ?? 0
    const often = count === 0 ? 'never' : ((1_000 * count) / all).toFixed(count < all / 100 ? 2 : 0)
    return `  ${name.padEnd(36)} ${String(count).padStart(10)} ${often.padStart(16)}`
  }
  const head = (title: string): string =>
    `  ${title.padEnd(36)} ${'count'.padStart(10)} ${'in 1,000 runs'.padStart(16)}`
  return [
    summary(seen),
    head('fault caused'),
    ...[...faults].map((mark) => row(mark.slice(fault.length), mark)),
    head('state seen'),
    ...[...states].sort().map((state) => row(state, state)),
    '',
  ].join('\n')
}

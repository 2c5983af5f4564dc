// Hosts with one cron job on one store, on a clock that the test moves: what the tests of cron guards begin with.
import type { Backend } from '../../src/contract.ts'
import { type CronOptions, connect, type CronGuard as Guard, type Leasehold } from '../../src/index.ts'
import { FaultyStore } from '../core/faulty.ts'
import { ManualClock } from '../core/manual-clock.ts'

export const never: AbortSignal = new AbortController().signal
export const minuteMs = 60_000
export const everyMinute = { schedule: '* * * * *', timezone: 'UTC' } as const

/** The nth minute of the manual clock's first day; it begins at 16:40 of it. */
export const minute = (n: number): Date => new Date(n * minuteMs)

/** Two hosts, which share a clock and a store. */
export interface Scene {
  readonly clock: ManualClock
  readonly store: FaultyStore
  readonly one: Leasehold
  readonly other: Leasehold
  /** A look at the store past all faults. */
  readonly truth: Backend
}

/** Times are whole, and so are those of its renewals: sums of thirds would miss a tick by a hair. */
export async function scene(): Promise<Scene> {
  const clock = new ManualClock()
  const store = new FaultyStore()
  const client = (): Promise<Leasehold> => connect(store.source, { clock, ttlMs: 12_000 })
  const [one, other] = await Promise.all([client(), client()])
  return { clock, store, one, other, truth: await store.source.open(clock) }
}

/** The job `a` of every minute on each of the two hosts. */
export function guards({ one, other }: Scene, options: CronOptions = {}): [Guard, Guard] {
  return [one.cron('a', { ...everyMinute, ...options }), other.cron('a', { ...everyMinute, ...options })]
}

/** The store forgets the host that holds `a`, as if it had died; its successor need not wait for a time to live. */
export async function die({ truth }: Scene): Promise<void> {
  const [standing] = await truth.line('a', never)
  await truth.destroySession(standing?.session ?? '', never)
}

/** A promise, and what settles it. */
export function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

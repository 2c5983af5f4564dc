// Hosts with one cron job on one store, on a clock that the test moves: what the tests of cron guards begin with.
import type { CronOptions, CronGuard as Guard } from '../../src/index.ts'
import { type TwoClients, twoClients } from '../core/clients.ts'

export const never: AbortSignal = new AbortController().signal
export const minuteMs = 60_000
export const everyMinute = { schedule: '* * * * *', timezone: 'UTC' } as const

/** The nth minute of the manual clock's first day; it begins at 16:40 of it. */
export const minute = (n: number): Date => new Date(n * minuteMs)

export type Scene = TwoClients

/** Two hosts. The time to live divides by three, so renewals come at whole times: sums of thirds would just miss a tick. */
export const scene = (): Promise<Scene> => twoClients(12_000)

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

// Probes of `leasehold lead --health`, as a kubelet sends them.
import { expect } from 'vitest'

/** The paths that answer. */
const paths = ['/live', '/ready', '/leader'] as const

/** Waits until the candidate has this part and these statuses for all paths; undefined waits until nobody listens. */
export const untilProbed = (port: number, state: string | undefined): Promise<void> =>
  expect.poll(() => probed(port), { timeout: 20_000, interval: 50 }).toBe(state)

/** The part of the candidate and the statuses of all paths, such as `standby 200 200 503`; undefined while nobody listens. */
export async function probed(port: number): Promise<string | undefined> {
  try {
    const answers = await Promise.all(paths.map((path) => fetch(`http://127.0.0.1:${port}${path}`)))
    const { part } = (await (answers[0] as Response).json()) as { part: string }
    return [part, ...answers.map(({ status }) => status)].join(' ')
  } catch {
    return undefined
  }
}

// One object of each kind whose methods callers call, on a store in memory. Owns their client.
import { afterAll } from 'vitest'
import { memory } from '../src/backends/memory/index.ts'
import { connect } from '../src/index.ts'
import { webLocks } from '../src/web-locks/index.ts'

/** A function as JavaScript sees it: it takes any arguments. */
export type Loose = (...args: unknown[]) => unknown

/** The function with its object as `this`, and without its types. */
export const loose = <T extends object>(target: T, method: keyof T): Loose =>
  (target[method] as Loose).bind(target)

/** The objects of one test file, whose end closes their client. */
export async function publicObjects() {
  const store = memory()
  const client = await connect(store)
  afterAll(() => client.close())
  return {
    ...{ store, client, locks: webLocks(client) },
    lock: client.mutex('arguments'),
    gpu: client.semaphore('arguments-semaphore', { permits: 2 }),
    election: client.election('arguments-election'),
    guard: client.cron('arguments-cron', { schedule: '@hourly' }),
    hold: await client.mutex('arguments-hold').acquire(),
    term: await client.election('arguments-term').campaign(),
  }
}

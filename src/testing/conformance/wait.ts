// How the cases wait: for a condition, for a rejection, and never for longer than they may. Owns no number; every
// limit is given.
import assert from 'node:assert/strict'
import { type Clock, leastElapsedMs, pause } from '../../base/clock.ts'
import { never } from './signals.ts'

/** How long a condition may take to come true, and how often to look, in ms. */
export interface Patience {
  readonly withinMs: number
  readonly everyMs?: number
}

/** Reads until it reads what is wanted. Fails with `what`, the last reading and the time when that does not come. */
export async function until<T>(
  clock: Clock,
  { withinMs, everyMs = 5 }: Patience,
  what: string,
  read: () => T | Promise<T>,
  wanted: T,
): Promise<void> {
  const since = clock.mark()
  for (;;) {
    const seen = await read()
    if (seen === wanted) return
    const late = leastElapsedMs(since, clock.mark()) >= withinMs
    if (late) assert.fail(`${what}: still ${String(seen)} after ${withinMs} ms, not ${String(wanted)}`)
    await pause(clock, everyMs, never)
  }
}

/** Settles as `promise` does, or rejects after `ms` with an error that says what took so long. */
export async function within<T>(clock: Clock, ms: number, what: string, promise: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = pause(clock, ms, over.signal).then(() => assert.fail(`${what} was not over after ${ms} ms`))
  try {
    return await Promise.race([promise, late])
  } finally {
    over.abort()
  }
}

/** Resolves with the reason for which `promise` rejects, the very same; fails if it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const [outcome] = await Promise.allSettled([promise])
  if (outcome.status === 'fulfilled') assert.fail('it resolved, and should have rejected')
  return outcome.reason
}

/** The same promise, which may reject before anyone looks: a case that fails earlier leaves no unhandled rejection. */
export function started<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

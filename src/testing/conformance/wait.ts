// How the cases wait: for a condition or a rejection, and never longer than a given limit. Owns no number.
import assert from 'node:assert/strict'
import { type Clock, leastElapsedMs, pause } from '../../base/clock.ts'
import { never } from './signals.ts'

/** The time limit for a condition, and how often to look, in ms. */
export interface Patience {
  readonly withinMs: number
  readonly everyMs?: number
}

/** Reads until the reading is the wanted one. At the time limit fails with `what`, the last reading and the time. */
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

/** Settles as `promise` does. After `ms` rejects with an error that says what took so long. */
export async function within<T>(clock: Clock, ms: number, what: string, promise: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = pause(clock, ms, over.signal).then(() => assert.fail(`${what} was not over after ${ms} ms`))
  try {
    return await Promise.race([promise, late])
  } finally {
    over.abort()
  }
}

/** Resolves after `ms` if the promise is pending all this time. Fails with `what` if it settles. */
export async function pending(
  clock: Clock,
  ms: number,
  what: string,
  promise: Promise<unknown>,
): Promise<void> {
  const over = new AbortController()
  const settled = promise.then(
    () => assert.fail(`${what}: it must wait, and got in`),
    (error) => assert.fail(`${what}: it must wait, and failed with ${error}`),
  )
  try {
    await Promise.race([settled, pause(clock, ms, over.signal)])
  } finally {
    over.abort()
  }
}

/** Resolves with exactly the reason with which `promise` rejects. Fails if it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const [outcome] = await Promise.allSettled([promise])
  if (outcome.status === 'fulfilled') assert.fail('it resolved, and should have rejected')
  return outcome.reason
}

/** The same promise, marked as handled: if the case fails before it awaits it, no unhandled rejection follows. */
export function started<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

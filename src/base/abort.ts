// Ends a wait early when a signal aborts. Owns the one race between an abort and the awaited result; it knows nothing
// about what is awaited.
import { setMaxListeners } from 'node:events'

/** Settles a promise of `untilAborted`. Only the first call counts. */
export interface Settle<T> {
  resolve(value: T): void
  reject(reason: unknown): void
}

/**
 * Turns callbacks into a promise. `begin` starts the work, passes `settle` to its callbacks, and returns a function
 * that stops the work. The promise settles at the first call of `settle`, or rejects with `signal.reason` when the
 * signal aborts. In both cases the work is stopped exactly once, and no listener stays on the signal. If the signal is
 * already aborted, `begin` is not called. An error that `begin` throws rejects the promise. Costs one listener on the
 * signal. Node's `events.once` does not fit: it rejects with an AbortError of its own instead of `signal.reason`, and
 * it cannot stop the work.
 */
export function untilAborted<T>(signal: AbortSignal, begin: (settle: Settle<T>) => () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    let settled = false
    let stop: (() => void) | undefined
    const once = (finish: () => void): void => {
      if (settled) return
      settled = true
      signal.removeEventListener('abort', aborted)
      stop?.()
      finish()
    }
    const fail = (reason: unknown): void => once(() => reject(reason))
    const aborted = (): void => fail(signal.reason)
    setMaxListeners(0, signal) // one signal may end a hundred waits; without this Node 20 warns at the 11th
    signal.addEventListener('abort', aborted, { once: true })
    try {
      stop = begin({ resolve: (value) => once(() => resolve(value)), reject: fail })
    } catch (error) {
      fail(error)
    }
    if (settled) stop?.() // settled while `begin` ran: until now there was nothing to stop
  })
}

/** Settles as `promise` does, or rejects with `signal.reason` as soon as the signal aborts. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {}
  const aborted = untilAborted<never>(signal, ({ reject }) => {
    stop = () => reject(undefined)
    return () => {}
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    stop()
  }
}

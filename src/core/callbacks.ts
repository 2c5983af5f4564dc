// Calls the listeners that a caller passes, such as `onWait`; each may return a promise. Decides what happens to their
// errors.
import type { Scope } from '../base/scope.ts'
import { awaitWithGrace, type Grace, warn } from './grace.ts'

/**
 * Makes a function that passes an error to `onError`. If `onError` returns a promise, it is awaited; once `scope` has
 * ended, for no longer than the grace. Rejects if `onError` itself fails, with that error.
 */
export function teller(
  onError: (error: unknown) => unknown = warn,
  scope: Scope,
  grace: Grace,
): (error: unknown) => Promise<void> {
  return async (error) => {
    const telling = (async () => onError(error))()
    await awaitWithGrace(telling, scope.signal, grace)
  }
}

/** Wraps `listen` so that its errors end `scope`. */
export function listener<T extends readonly unknown[]>(
  listen: (...values: T) => unknown,
  scope: Scope,
): (...values: T) => void {
  return (...values) => void (async () => listen(...values))().catch((error) => scope.end(error))
}

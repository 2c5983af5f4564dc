// Calls the functions with which a caller listens, such as `onWait`; each may return a promise. Owns the fate of their
// errors.
import type { Scope } from '../base/scope.ts'
import { awaitWithGrace, type Grace, warn } from './grace.ts'

/**
 * How errors are told to `onError`. A function that returns a promise is awaited, but not for longer than the grace once
 * `scope` has ended. Rejects with the error of the function itself.
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

/** The function as one whose errors end `scope`. Undefined where nobody listens. */
export function listener<T extends readonly unknown[]>(
  listen: ((...values: T) => unknown) | undefined,
  scope: Scope,
): ((...values: T) => void) | undefined {
  return listen && ((...values) => void (async () => listen(...values))().catch((error) => scope.end(error)))
}

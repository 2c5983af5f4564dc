// One request to the store: how long it may take, how often it is tried again, and what ends it early. Owns no
// request itself; session, acquire and hold say what to ask.
import pRetry from 'p-retry'
import type { AskOptions } from '../api/ask.ts'
import { orAborted } from '../base/abort.ts'
import { type Clock, pause } from '../base/clock.ts'
import { UnavailableError } from '../base/errors.ts'
import { type Ending, Scope } from '../base/scope.ts'

/** How requests that the store did not answer are repeated: 50 ms, 100 ms, … 2 s, each with jitter. */
export const retryDefaults = { retries: 8, firstMs: 50, mostMs: 2_000 } as const

/** How to make one request. */
export interface RequestOptions {
  readonly clock: Clock
  /** How long one try may take; undefined for a store that answers at once. */
  readonly requestMs: number | undefined
  /** What ends it before it is answered. */
  readonly scope: Ending
  readonly retries?: number | undefined
}

/**
 * Asks, and asks again while the store does not answer. Only for what is idempotent.
 * Rejects with the reason when its scope ends, with the last UnavailableError when the retries are over,
 * and at once with every other error.
 */
export function persist<T>(options: RequestOptions, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  // Once is nearly always enough, and then p-retry's preparations are not needed.
  return once(options, ask).catch((error) => askAgain(options, ask, error))
}

async function askAgain<T>(
  options: RequestOptions,
  ask: (signal: AbortSignal) => Promise<T>,
  first: unknown,
): Promise<T> {
  const { retries = retryDefaults.retries } = options
  await restAfter(options, first, 1, retries)
  return pRetry(() => once(options, ask).catch(asError), {
    retries: retries - 1,
    minTimeout: 0,
    // The wait stands here and not in p-retry, so that the injected clock keeps it; what is thrown here goes
    // to the caller as it is, whatever its type.
    onFailedAttempt: ({ error, attemptNumber, retriesLeft }) =>
      restAfter(options, error, attemptNumber + 1, retriesLeft),
  })
}

/** p-retry cannot take what is no Error. An abort's reason may be anything; restAfter throws it as it is. */
function asError(error: unknown): never {
  throw error instanceof Error ? error : new Error('ended from outside', { cause: error })
}

/** Waits before the next try, or throws what ends them. */
async function restAfter(
  { clock, scope }: RequestOptions,
  error: unknown,
  failures: number,
  retriesLeft: number,
): Promise<void> {
  scope.throwIfEnded()
  if (!(error instanceof UnavailableError) || retriesLeft === 0) throw error
  await pause(clock, backoffMs(clock, failures), scope.signal)
}

/**
 * Asks within the limits that a caller gives. `ending` is what ends the question beside them. Rejects with the signal's
 * reason, with UnavailableError when the time is over, and as `ask` does.
 */
export async function within<T>(
  { clock, scope: ending }: Pick<RequestOptions, 'clock' | 'scope'>,
  { signal, timeoutMs }: AskOptions,
  ask: (scope: Ending) => Promise<T>,
): Promise<T> {
  if (!signal && timeoutMs === undefined) return ask(ending)
  const late = (): UnavailableError => unanswered(timeoutMs ?? 0)
  const scope = new Scope().on(ending).onSignal(signal).onTimeout(clock, timeoutMs, late)
  try {
    scope.throwIfEnded()
    return await orAborted(ask(scope), scope.signal)
  } finally {
    scope.lift()
  }
}

const never = new AbortController().signal

/** Asks once, for at most `requestMs`. */
export async function once<T>(
  { clock, requestMs, scope }: RequestOptions,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  scope.throwIfEnded()
  if (requestMs === undefined) return ask(never)
  // Not a Scope: every request needs an AbortSignal, and has these two causes for its end.
  const request = new AbortController()
  const forget = scope.onEnd((reason) => request.abort(reason))
  const cancel = clock.after(requestMs, () => request.abort(unanswered(requestMs)))
  try {
    return await ask(request.signal)
  } finally {
    forget()
    cancel()
  }
}

/** How long to wait after the nth failure in a row: exponential, with jitter over its upper half. */
export function backoffMs(clock: Clock, failures: number, mostMs: number = retryDefaults.mostMs): number {
  const ms = Math.min(mostMs, retryDefaults.firstMs * 2 ** (failures - 1))
  return ms * (0.5 + clock.random() / 2)
}

function unanswered(requestMs: number): UnavailableError {
  return new UnavailableError(`the store did not answer within ${Math.round(requestMs)} ms`)
}

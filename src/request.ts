// One request to the store: how long it may take, how often it is tried again, and what ends it early. Owns no
// request itself; session, acquire and hold say what to ask.
import pRetry from 'p-retry'
import { type Clock, pause } from './clock.ts'
import { UnavailableError } from './errors.ts'

/** How requests that the store did not answer are repeated: 50 ms, 100 ms, … 2 s, each with jitter. */
export const retryDefaults = { retries: 8, firstMs: 50, mostMs: 2_000 } as const

/** One AbortSignal that several causes can fire; `lift` lets go of all of them. */
export class Limits {
  readonly #controller = new AbortController()
  readonly #lifts: (() => void)[] = []
  readonly signal: AbortSignal = this.#controller.signal

  /** Ends it now. */
  end = (reason: unknown): void => this.#controller.abort(reason)

  /** Ends it when another signal aborts, with that signal's reason. */
  onSignal(signal: AbortSignal | undefined): this {
    if (!signal) return this
    if (signal.aborted) this.end(signal.reason)
    const pass = (): void => this.end(signal.reason)
    signal.addEventListener('abort', pass, { once: true })
    this.#lifts.push(() => signal.removeEventListener('abort', pass))
    return this
  }

  /** Ends it after `ms`, with the error that `reason` makes then. */
  onTimeout(clock: Clock, ms: number | undefined, reason: () => Error): this {
    if (ms !== undefined) this.#lifts.push(clock.after(ms, () => this.end(reason())))
    return this
  }

  /** Ends it from elsewhere: `subscribe` gets the function to call and returns how to unsubscribe. */
  onEvent(subscribe: (end: (reason: unknown) => void) => () => void): this {
    this.#lifts.push(subscribe(this.end))
    return this
  }

  lift(): void {
    for (const lift of this.#lifts.splice(0)) lift()
  }
}

/** Settles as `promise` does, or rejects with `signal.reason` as soon as the signal aborts. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** How to make one request. */
export interface RequestOptions {
  readonly clock: Clock
  /** How long one try may take. */
  readonly requestMs: number
  readonly signal: AbortSignal
  readonly retries?: number
}

/**
 * Asks, and asks again while the store does not answer. Only for what is idempotent.
 * Rejects with `signal.reason` when the signal aborts, with the last UnavailableError when the retries are over,
 * and at once with every other error.
 */
export function persist<T>(
  options: RequestOptions,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, signal, retries = retryDefaults.retries } = options
  return pRetry(() => once(options, ask), {
    retries,
    minTimeout: 0,
    // The wait stands here and not in p-retry, so that the injected clock keeps it; what is thrown here goes
    // to the caller as it is, whatever its type.
    onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
      signal.throwIfAborted()
      if (!(error instanceof UnavailableError) || retriesLeft === 0) throw error
      await pause(clock, backoffMs(clock, attemptNumber), signal)
    },
  })
}

/** Asks once, for at most `requestMs`. */
export async function once<T>(
  { clock, requestMs, signal }: RequestOptions,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const limits = new Limits().onSignal(signal).onTimeout(clock, requestMs, () => unanswered(requestMs))
  try {
    return await ask(limits.signal)
  } finally {
    limits.lift()
  }
}

/** How long to wait after the nth failure in a row: exponential, with jitter over its upper half. */
export function backoffMs(clock: Clock, failures: number): number {
  const ms = Math.min(retryDefaults.mostMs, retryDefaults.firstMs * 2 ** (failures - 1))
  return ms * (0.5 + clock.random() / 2)
}

function unanswered(requestMs: number): UnavailableError {
  return new UnavailableError(`the store did not answer within ${Math.round(requestMs)} ms`)
}

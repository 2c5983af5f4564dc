// One request to the store: its place among those of the client, its time limit, its retries, and its early end.
// session.ts, acquire.ts and hold.ts send the requests.
import pRetry from 'p-retry'
import type { AskOptions } from '../api/ask.ts'
import type { Operation } from '../api/events.ts'
import { orAborted, roomyController } from '../base/abort.ts'
import { type Clock, pause } from '../base/clock.ts'
import { ConflictError, RefusedError, UnavailableError } from '../base/errors.ts'
import { printable } from '../base/printable.ts'
import { type Ending, Scope } from '../base/scope.ts'
import type { Backend, Facts } from '../contract.ts'
import { type Origin, told } from './events.ts'
import type { Gate } from './gate.ts'
import { requestMs } from './lifetime.ts'
import { type Limits, unanswered } from './limits.ts'

/** The waits before a repeated request: 50 ms, 100 ms, … 2 s, each with jitter. */
export const retryDefaults = { retries: 8, firstMs: 50, mostMs: 2_000 } as const

/** The options of one request. */
export interface RequestOptions {
  readonly clock: Clock
  /** The client that sends it, for events. */
  readonly origin: Origin
  /** The time limit of one try. Undefined for a store that answers at once. */
  readonly requestMs: number | undefined
  /** The time limits of the client's requests. */
  readonly limits: Limits
  /** Whether each answer takes a turn of the event loop in any case. */
  readonly answersLater?: boolean | undefined
  /** How a store is asked first that nearly always answers at once. */
  readonly atOnce?: Facts['atOnce']
  /** Ends the request before it is answered. */
  readonly scope: Ending
  readonly retries?: number | undefined
  /** The request waits for a place here, and its time limit begins when it has one. */
  readonly gate?: Gate | undefined
  /** Whether it waits in a line of its own, which gets every second place: see `Gate`. */
  readonly aside?: boolean
  /** Called when a try has its place and is sent. */
  readonly onSent?: (() => void) | undefined
}

/** A client or a session that sends requests. */
interface Sender extends Pick<RequestOptions, 'clock' | 'origin' | 'limits' | 'gate'> {
  readonly coveredMs: number
}

/** The options of requests to this store. */
export function requestOptions(
  { facts }: Backend,
  { clock, origin, limits, coveredMs, gate }: Sender,
  scope: Ending,
): RequestOptions {
  const { answersAtOnce, answersLater, atOnce } = facts
  const ms = answersAtOnce ? undefined : requestMs(coveredMs)
  return { clock, origin, limits, scope, gate, requestMs: ms, answersLater, atOnce }
}

/** The same options for the requests of one call. One literal: a copy by `...` took a good part of a cycle in memory. */
export function ofCall(
  { clock, origin, limits, gate, requestMs, answersLater, atOnce }: RequestOptions,
  scope: Ending,
  retries: number | undefined,
  onSent: (() => void) | undefined,
): RequestOptions {
  return { clock, origin, limits, gate, requestMs, answersLater, atOnce, retries, scope, onSent }
}

/**
 * Sends an idempotent request, and repeats it while the store does not answer. Rejects with the scope's reason when
 * the scope ends, with the last UnavailableError when the retries are over, and with every other error at once.
 */
export function persist<T>(
  options: RequestOptions,
  operation: Operation,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  // The first try nearly always succeeds, and then p-retry is not needed.
  return once(options, operation, ask).catch((error) => askAgain(options, operation, ask, error))
}

async function askAgain<T>(
  options: RequestOptions,
  operation: Operation,
  ask: (signal: AbortSignal) => Promise<T>,
  first: unknown,
): Promise<T> {
  const { retries = retryDefaults.retries } = options
  await restAfter(options, first, 1, retries)
  return pRetry((retry) => once(options, operation, ask, retry).catch(asError), {
    retries: retries - 1,
    minTimeout: 0,
    // The pause is made here and not by p-retry, so that it uses the injected clock. An error thrown here reaches the
    // caller unchanged, whatever its type.
    onFailedAttempt: ({ error, attemptNumber, retriesLeft }) =>
      restAfter(options, error, attemptNumber + 1, retriesLeft),
  })
}

/**
 * Wraps a thrown value that is no Error, since p-retry takes only Errors. The caller does not see it: restAfter throws
 * the scope's own reason.
 */
function asError(error: unknown): never {
  throw error instanceof Error ? error : new Error('ended from outside', { cause: error })
}

/** Pauses before the next try, or throws if there is none. */
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
 * Asks until the caller's time limit is over, the caller's signal aborts, or `ending` ends. Rejects with the reason of
 * the signal or of `ending`, with UnavailableError when the time is over, and as `ask` does.
 */
export async function withAskOptions<T>(
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
    scope.detach()
  }
}

const never = roomyController().signal

/**
 * Sends one request, for at most `requestMs`. If the event loop had no turn for 5 ms, the answer waits for the next turn: a loop of
 * requests to a store in this process would keep all timers from running. `retry` counts the tries before it.
 */
export async function once<T>(
  options: RequestOptions,
  operation: Operation,
  ask: (signal: AbortSignal) => Promise<T>,
  retry = 0,
): Promise<T> {
  const { clock, gate, aside, limits, origin, scope, requestMs, atOnce } = options
  scope.throwIfEnded()
  const place = gate?.enter(scope, aside)
  if (place) await place
  options.onSent?.()
  // Not by `inTime`, which would be one promise more for each request over a network.
  const limit = requestMs === undefined || atOnce ? undefined : limits.begin(scope, requestMs)
  try {
    const answer = await told(origin, operation, retry, () => {
      return limit ? ask(limit.signal) : askAtOnce(options, ask)
    })
    gate?.answered(clock)
    return answer
  } catch (error) {
    if (error instanceof RefusedError || error instanceof ConflictError) gate?.answered(clock)
    throw error
  } finally {
    gate?.leave()
    if (limit) limits.end(limit)
    const turn = options.answersLater ? undefined : clock.turn?.()
    if (turn) await turn
  }
}

/** Asks without a time limit: for good, or at first where the store can refuse, since limits are a part of a cycle on `file:`. */
function askAtOnce<T>(options: RequestOptions, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { atOnce } = options
  if (!atOnce) return ask(never)
  return ask(atOnce.signal).catch((error) => {
    if (error !== atOnce.refusal) throw error
    return inTime(options, ask)
  })
}

async function inTime<T>(
  { limits, scope, requestMs = 0 }: RequestOptions,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = limits.begin(scope, requestMs)
  try {
    return await ask(limit.signal)
  } finally {
    limits.end(limit)
  }
}

/** How long to wait after the nth failure in a row: exponential, with jitter over its upper half. */
export function backoffMs(clock: Clock, failures: number, mostMs: number = retryDefaults.mostMs): number {
  const ms = Math.min(mostMs, retryDefaults.firstMs * 2 ** (failures - 1))
  return ms * (0.5 + clock.random() / 2)
}

/**
 * The reason that ends a wait when its time is over. The caller gets a WaitTimeoutError in its place, which is made
 * later, since it names the holder.
 */
export const timeout: unique symbol = Symbol('waited long enough')

/**
 * Throws `error`. If it is `timeout`, throws an UnavailableError with the last failure as its cause: the store has not
 * answered yet, so nothing shows that the name is taken.
 */
export function rethrow(error: unknown, cause?: unknown): never {
  if (error !== timeout) throw error
  const why = cause instanceof Error ? `: ${printable(cause.message, 1_000)}` : ''
  throw new UnavailableError(`the store did not answer before the wait was over${why}`, { cause })
}

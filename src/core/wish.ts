// A caller's request for a name, and the time that it gives the store. Owns the difference between the end of that time and
// a name that was not free. acquire.ts and admission.ts carry it out.
import type { Hold } from '../api/hold.ts'
import { UnavailableError } from '../base/errors.ts'
import { printable } from '../base/printable.ts'
import type { Backend } from '../contract.ts'
import type { Grant } from './hold.ts'
import { requestMs } from './lifetime.ts'

/** A caller's request for a name. */
export interface Wish<H extends Hold = Hold> {
  readonly name: string
  readonly permits: number
  readonly value: string
  /** Whether other clients observe the holder: see `Claim`. */
  readonly candidate: boolean
  /** If true, close() does not release this hold itself; it waits for work registered with `awaitOnClose` to do so. */
  readonly releasesItself?: boolean
  /** Makes the object that the caller gets. */
  readonly make: (grant: Grant) => H
  /** How long to try and to stand in line. For 0 the claim does not stand in line, and has the time of two requests. */
  readonly waitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the number of claims or calls ahead, whenever that changes, and whether these are calls of this client. */
  readonly onWait?: ((ahead: number, isLocal?: boolean) => unknown) | undefined
}

/** The last answers of the store about a claim, for the message of a time-out. */
export interface Seen {
  /** Whether only a lock-delay was in the way. */
  delayed: boolean
  /** Whether only other calls of this client were in the way. */
  isOwn: boolean
}

/** Whether the claim stands in line. */
export function waits({ waitMs }: Pick<Wish, 'waitMs'>): boolean {
  return waitMs !== 0
}

/**
 * How long a wish may take, the store's silence included; undefined for one without end. A caller who does not want to wait
 * is not held up by a store that hangs: the time of two requests has to do.
 */
export function limitMs(
  { waitMs }: Pick<Wish, 'waitMs'>,
  { facts }: Backend,
  coveredMs: number,
): number | undefined {
  if (waitMs !== 0) return waitMs
  return facts.answersAtOnce ? undefined : 2 * requestMs(coveredMs)
}

/** Ends a wait from within; the error that the caller gets is made when it is known who holds. */
export const timeout: unique symbol = Symbol('waited long enough')

/**
 * A wait that ends before the store has answered does not show that the name is taken: the error says so, and why the last
 * try failed.
 */
export function toldApart(error: unknown, cause?: unknown): never {
  if (error !== timeout) throw error
  const why = cause instanceof Error ? `: ${printable(cause.message, 1_000)}` : ''
  throw new UnavailableError(`the store did not answer before the wait was over${why}`, { cause })
}

// The errors a caller meets, each named by what to do next. Owns their classes and codes; the messages are
// written where the facts are known. Wrong arguments are TypeError or RangeError, not these.
import { messageLine, printableCause } from './printable.ts'

/**
 * What every error of Leasehold has: a `code` that is stable across versions and duplicate installs, and a message of one
 * line that can be printed, whatever a store has said. The same holds for the messages of its causes.
 */
export abstract class LeaseholdError extends Error {
  constructor(message: string, options: ErrorOptions = {}) {
    super(messageLine(message), options.cause === undefined ? {} : { cause: printableCause(options.cause) })
  }

  /** Stable identifier to compare with, e.g. `LEASEHOLD_HOLD_LOST`. */
  abstract readonly code: string
  override get name(): string {
    return this.constructor.name
  }
}

/** The lock was not free in time. You hold nothing, and your claim has left the store. Try again later. */
export class WaitTimeoutError extends LeaseholdError {
  readonly code = 'LEASEHOLD_WAIT_TIMEOUT'
}

/** You no longer hold the lock: stop now. Another client may hold it already. Also the reason of `hold.signal`. */
export class HoldLostError extends LeaseholdError {
  readonly code = 'LEASEHOLD_HOLD_LOST'
}

/** The store was not reached, and the retries are over. The request may or may not have been applied. */
export class UnavailableError extends LeaseholdError {
  readonly code = 'LEASEHOLD_UNAVAILABLE'
}

/** The name is used for something else, such as a semaphore with other permits. Fix the deployment. */
export class ConflictError extends LeaseholdError {
  readonly code = 'LEASEHOLD_CONFLICT'
}

/** The record of a cron job has a tick of the future: the clock of this machine or of the host that wrote it is wrong. */
export class ClockError extends LeaseholdError {
  readonly code = 'LEASEHOLD_CLOCK'
}

/** The store answered and refused: wrong credentials, or a missing permission. */
export class RefusedError extends LeaseholdError {
  readonly code = 'LEASEHOLD_REFUSED'
}

/**
 * A backend throws this when the store no longer knows the session. It never reaches a caller: a hold turns it into a
 * HoldLostError, and a waiting acquire opens a new session.
 */
export class SessionGoneError extends LeaseholdError {
  readonly code = 'LEASEHOLD_SESSION_GONE'
}

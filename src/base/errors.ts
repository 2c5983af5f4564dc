// The errors that callers meet. Owns their classes and codes; each message is written where the facts are known. A
// wrong argument throws a TypeError or RangeError instead.

/** The base of every error of Leasehold. Its `code` is stable across versions and duplicate installs. */
export abstract class LeaseholdError extends Error {
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

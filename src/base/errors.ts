// The errors a caller meets, each named by what to do next. Owns their classes and codes; the messages are
// written where the facts are known. Wrong arguments are TypeError or RangeError, not these.

/** What every error of Leasehold has: a `code` that is stable across versions and duplicate installs. */
export abstract class LeaseholdError extends Error {
  /** Stable identifier to compare with, e.g. `LEASEHOLD_HOLD_LOST`. */
  abstract readonly code: string
  override get name(): string {
    return this.constructor.name
  }
}

/** The lock was not free in time. You hold nothing and nothing of yours waits in the store; try again later. */
export class WaitTimeoutError extends LeaseholdError {
  readonly code = 'LEASEHOLD_WAIT_TIMEOUT'
}

/** You held and no longer do: stop now. Somebody else may hold from here on. Also the reason of `hold.signal`. */
export class HoldLostError extends LeaseholdError {
  readonly code = 'LEASEHOLD_HOLD_LOST'
}

/** The service was not reached and the retries are over. What was asked may or may not have been applied. */
export class UnavailableError extends LeaseholdError {
  readonly code = 'LEASEHOLD_UNAVAILABLE'
}

/** The name is in use for something else, such as a semaphore with other permits: fix the deployment. */
export class ConflictError extends LeaseholdError {
  readonly code = 'LEASEHOLD_CONFLICT'
}

/** A tick of a cron job is on record that no clock can have reached, if this one is right: correct the clock that is wrong. */
export class ClockError extends LeaseholdError {
  readonly code = 'LEASEHOLD_CLOCK'
}

/** The service answered and said no: wrong credentials, or a missing permission. */
export class RefusedError extends LeaseholdError {
  readonly code = 'LEASEHOLD_REFUSED'
}

/**
 * A backend's way to say that the store no longer knows the session. It never reaches a caller: a hold
 * turns it into a HoldLostError, and a waiting acquire opens a new session.
 */
export class SessionGoneError extends LeaseholdError {
  readonly code = 'LEASEHOLD_SESSION_GONE'
}

// The errors that a caller gets, one class for each thing to do next. Owns their classes and codes; the code that
// throws one writes its message. Wrong arguments are a TypeError or RangeError.
import { messageLine, printableCause } from './printable.ts'

/**
 * The base of every error of Leasehold. Its `code` is stable across versions and duplicate installs. Its message is one
 * line that can be printed: text from a store is escaped and cut. The same holds for the messages of its causes.
 */
export abstract class LeaseholdError extends Error {
  constructor(message: string, options: ErrorOptions = {}) {
    super(messageLine(message), options.cause === undefined ? {} : { cause: printableCause(options.cause) })
  }

  /** Stable identifier to compare with, e.g. `LEASEHOLD_HOLD_LOST`. */
  abstract readonly code: string
  /** Whether the same call may succeed later without any change by a person. */
  abstract readonly retryable: boolean
  /** The name of the class in this documentation. A bundler that renames the class does not change it. */
  abstract override readonly name: string
}

/** The lock was not free in time. You hold nothing, and your claim is removed from the store. Try again later. */
export class WaitTimeoutError extends LeaseholdError {
  readonly code = 'LEASEHOLD_WAIT_TIMEOUT'
  override get name(): string {
    return 'WaitTimeoutError'
  }
  get retryable(): boolean {
    return true
  }
}

/** The meanings of a HoldLostError. */
export type HoldLostCode =
  /** The hold is lost: another client may hold. */
  | 'LEASEHOLD_HOLD_LOST'
  /** The hold was released by its own program, which used it afterwards. */
  | 'LEASEHOLD_HOLD_RELEASED'
  /** The hold stands, but less time is left than the program needs. */
  | 'LEASEHOLD_HOLD_SHORT'
  /** The work did not end within its grace, and still runs without protection: end the process. */
  | 'LEASEHOLD_WORK_STUCK'

/**
 * Why a hold was lost. `expired`: the store did not confirm its session before the deadline. `session-gone`: the store has
 * ended its session. `removed`: the store no longer has its claim: an operator broke it, or it went with its session before a
 * renewal showed that.
 */
export type LossCause = 'expired' | 'session-gone' | 'removed'

/**
 * You held the lock, and no longer do or not for long enough: stop the protected work now, since another client may
 * hold from here on. After a loss it is also the reason of `hold.signal`. The `code` says which case it is.
 */
export class HoldLostError extends LeaseholdError {
  readonly code: HoldLostCode
  /** Why the hold was lost. Undefined with the other codes. */
  readonly loss: LossCause | undefined
  constructor(
    message: string,
    options: ErrorOptions & { readonly code?: HoldLostCode; readonly loss?: LossCause | undefined } = {},
  ) {
    super(message, options)
    this.code = options.code ?? 'LEASEHOLD_HOLD_LOST'
    this.loss = options.loss
  }
  override get name(): string {
    return 'HoldLostError'
  }
  /** True for a loss and for too little time: acquire again. False for a released hold and for work that is stuck. */
  get retryable(): boolean {
    return this.code === 'LEASEHOLD_HOLD_LOST' || this.code === 'LEASEHOLD_HOLD_SHORT'
  }
}

/** The store was not reached, and the retries are over. The request may or may not have been applied. */
export class UnavailableError extends LeaseholdError {
  readonly code = 'LEASEHOLD_UNAVAILABLE'
  override get name(): string {
    return 'UnavailableError'
  }
  get retryable(): boolean {
    return true
  }
}

/** The name is used for something else, such as a semaphore with other permits. Fix the deployment. */
export class ConflictError extends LeaseholdError {
  readonly code = 'LEASEHOLD_CONFLICT'
  override get name(): string {
    return 'ConflictError'
  }
  get retryable(): boolean {
    return false
  }
}

/** The meanings of a DeadlockError. */
export type DeadlockCode =
  /** The chain of calls that asks for the name holds it itself. */
  | 'LEASEHOLD_NESTED'
  /** The call would close a circle: each of several chains of calls holds a name that the next one waits for. */
  | 'LEASEHOLD_DEADLOCK'

/**
 * The wait would never end, since calls of this client wait for each other or the call for itself. Nothing was sent for
 * it, and the holds around it stand. The `code` says which case it is.
 */
export class DeadlockError extends LeaseholdError {
  readonly code: DeadlockCode
  constructor(message: string, options: ErrorOptions & { readonly code?: DeadlockCode } = {}) {
    super(message, options)
    this.code = options.code ?? 'LEASEHOLD_DEADLOCK'
  }
  override get name(): string {
    return 'DeadlockError'
  }
  /** True for a circle: release what the chain holds, and begin it anew. False for a call that would wait for itself. */
  get retryable(): boolean {
    return this.code === 'LEASEHOLD_DEADLOCK'
  }
}

/** The record of a cron job has a tick in the future: the clock of this machine or of the host that wrote it is wrong. */
export class ClockError extends LeaseholdError {
  readonly code = 'LEASEHOLD_CLOCK'
  override get name(): string {
    return 'ClockError'
  }
  get retryable(): boolean {
    return false
  }
}

/**
 * A tick of a cron job may be on record, although its job did not begin: this host had to stop while the store was out of
 * reach. No other host runs such a tick. Run the job by hand if it must not be left out.
 */
export class TickLostError extends LeaseholdError {
  readonly code = 'LEASEHOLD_TICK_LOST'
  /** The scheduled time, in ms since 1970. */
  readonly tickMs: number
  constructor(message: string, options: ErrorOptions & { readonly tickMs: number }) {
    super(message, options)
    this.tickMs = options.tickMs
  }
  override get name(): string {
    return 'TickLostError'
  }
  get retryable(): boolean {
    return false
  }
}

/** The store answered and refused: wrong credentials, or a missing permission. */
export class RefusedError extends LeaseholdError {
  readonly code = 'LEASEHOLD_REFUSED'
  override get name(): string {
    return 'RefusedError'
  }
  get retryable(): boolean {
    return false
  }
}

/** The client was closed, before the call or while it waited. Use a client that is open. */
export class ClosedError extends LeaseholdError {
  readonly code = 'LEASEHOLD_CLOSED'
  override get name(): string {
    return 'ClosedError'
  }
  get retryable(): boolean {
    return false
  }
}

/**
 * A backend throws this when the store no longer knows the session. It never reaches a caller: a hold turns it into a
 * HoldLostError, and a waiting acquire opens a new session.
 */
export class SessionGoneError extends LeaseholdError {
  readonly code = 'LEASEHOLD_SESSION_GONE'
  override get name(): string {
    return 'SessionGoneError'
  }
  get retryable(): boolean {
    return true
  }
}

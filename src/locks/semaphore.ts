// A lock that several may hold at a time.
import { checkName, checkPermits } from '../core/arguments.ts'
import { Lock, type LockClient } from './lock.ts'

/** How many may hold a semaphore. */
export interface SemaphoreOptions {
  /** A whole number from 1 to 10 000, the same wherever the name is used. */
  readonly permits: number
}

/**
 * At most `permits` holders at a time, in the order in which they came. A holder that dies gives its permit back
 * with its session. Whoever opens the name with other permits while it is in use gets a ConflictError.
 */
export class Semaphore extends Lock {
  readonly permits: number

  /** Throws TypeError or RangeError for a bad name or number. Sends nothing. */
  constructor(client: LockClient, name: string, options: SemaphoreOptions) {
    const permits = options?.permits
    checkName(name)
    checkPermits(permits)
    super(client, name, permits)
    this.permits = permits
  }
}

// A lock that several clients may hold at a time. Owns the check of `permits` and shows the number.
import type { Semaphore, SemaphoreOptions } from '../api/lock.ts'
import { checkOptions, semaphoreOptions } from '../core/arguments.ts'
import { ClaimLock, type LockClient } from './lock.ts'

/** A semaphore. Its promises are in the interface Semaphore. */
export class ClaimSemaphore extends ClaimLock implements Semaphore {
  readonly permits: number

  /** Throws TypeError or RangeError for a bad name or bad options. Sends nothing. */
  constructor(client: LockClient, name: string, options: SemaphoreOptions) {
    checkOptions(options, semaphoreOptions)
    super(client, name, options.permits)
    this.permits = options.permits
  }
}

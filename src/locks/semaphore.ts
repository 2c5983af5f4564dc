// A lock that several may hold at a time. Owns that the number of permits is checked and shown.
import type { Semaphore, SemaphoreOptions } from '../api/lock.ts'
import { checkOptions, semaphoreOptions } from '../core/arguments.ts'
import { ClaimLock, type LockClient } from './lock.ts'

/** A semaphore: see Semaphore for its promises. */
export class ClaimSemaphore extends ClaimLock implements Semaphore {
  readonly permits: number

  /** Throws TypeError or RangeError for a bad name or bad options. Sends nothing. */
  constructor(client: LockClient, name: string, options: SemaphoreOptions) {
    checkOptions(options, semaphoreOptions)
    super(client, name, options.permits)
    this.permits = options.permits
  }
}

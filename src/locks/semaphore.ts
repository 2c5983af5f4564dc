// A lock that several clients may hold at a time. Owns the permits of a claim and of a hold, and their checks.
import type { AskOptions } from '../api/ask.ts'
import type { PermitHold } from '../api/hold.ts'
import type { Semaphore, SemaphoreOptions } from '../api/lock.ts'
import { checkOptions, semaphoreOptions } from '../core/arguments.ts'
import { ClaimLock, type LockClient } from './lock.ts'
import { PartHold } from './part-hold.ts'
import { checkGivenBack, permitOptions } from './sizes.ts'

/** A semaphore. Its promises are in the interface Semaphore. */
export class ClaimSemaphore extends ClaimLock<ClaimPermits> implements Semaphore {
  readonly permits: number

  /** Throws TypeError or RangeError for a bad name or bad options. Sends nothing. */
  constructor(client: LockClient, name: string, options: SemaphoreOptions) {
    checkOptions(options, semaphoreOptions)
    const { permits } = options
    const own = permitOptions(client.facts, permits)
    super(client, name, {
      kind: 'semaphore',
      permits,
      weight: 1,
      options: own,
      make: (grant) => new ClaimPermits(grant),
    })
    this.permits = permits
  }
}

/** A hold of permits. Its promises are in the interface PermitHold. */
class ClaimPermits extends PartHold implements PermitHold {
  get permits(): number {
    return this.size.weight
  }

  async shrink(permits: number, options: AskOptions = {}): Promise<void> {
    checkGivenBack(permits, this.size.weight)
    return this.lighten(this.size.weight - permits, options)
  }
}

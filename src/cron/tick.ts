// One tick of a cron job: what runs at it, how a host takes part, and what became of it. Types only; guard.ts decides
// which tick it is, contest.ts which host runs it.
import type { Hold } from '../core/hold.ts'
import type { Holder } from '../core/holder.ts'
import type { AcquireOptions } from '../locks/lock.ts'

/**
 * What runs at a tick, under the hold of the cron job's lock. It should end soon after `hold.signal` aborts, which it does
 * when the lock is lost, and also when the caller wants an end.
 */
export type CronJob<T> = (hold: Hold, tick: Date) => T | Promise<T>

/** How to take part in one tick. */
export interface TickOptions extends AcquireOptions {
  /** The scheduled time; by default the tick of the schedule next to the present. */
  readonly tick?: Date | undefined
  /** How long, in ms, a job may go on when `signal` has aborted; 10 s by default. */
  readonly graceMs?: number | undefined
}

/** What became of a tick on this host. */
export type TickResult<T> =
  | { readonly ran: true; readonly tick: Date; readonly value: T }
  | {
      readonly ran: false
      readonly tick: Date
      /** Who took it, or, where nobody did in time, who ran the last one before; undefined where nobody ever did. */
      readonly by: Holder | undefined
    }

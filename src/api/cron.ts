// Cron jobs as a caller sees them: what runs at a tick, how a host takes part, and what became of it. Types only; cron/
// is the implementation.
import type { Hold, Holder } from './hold.ts'
import type { AcquireOptions } from './lock.ts'

/**
 * What runs at a tick, under the hold of the cron job's lock. It should end soon after `hold.signal` aborts, which it does
 * when the lock is lost, and also when the caller wants an end.
 */
export type CronJob<T> = (hold: Hold, tick: Date) => T | Promise<T>

/** What a cron job is. All hosts say the same. */
export interface CronOptions {
  /**
   * A cron expression of five fields, or six with seconds in front, or a nickname such as `@hourly`. Needed unless every
   * `run` names its tick.
   */
  readonly schedule?: string | undefined
  /** The time zone of the schedule, such as `Europe/Berlin`; by default that of the process, which may differ. */
  readonly timezone?: string | undefined
  /**
   * Whether a tick whose host died half-way is run again by another one: a tick then runs at least once rather than at
   * most once, since a host may also die between the end of the job and the note of it. The others wait until the job
   * is done. By default a tick runs at most once, whatever happens.
   */
  readonly retry?: boolean | undefined
  /**
   * Which ticks that no host took are run late, before the next one: all (true), none (false, the default), or those
   * for which the function returns true.
   */
  readonly catchUp?: boolean | ((missed: Date) => boolean) | undefined
  /** Called with every tick that no host took and that is not run late, on the host that runs the next one. */
  readonly onMissed?: ((missed: Date) => void) | undefined
}

/** How to take part in one tick. */
export interface TickOptions extends AcquireOptions {
  /** The scheduled time; by default the tick of the schedule next to the present. */
  readonly tick?: Date | undefined
  /** How long, in ms, a job may go on when `signal` has aborted; 10 s by default. */
  readonly graceMs?: number | undefined
}

/** How to keep a schedule. */
export interface StartOptions extends Pick<TickOptions, 'signal' | 'graceMs'> {
  /** Called with each error that the schedule goes on after. An error that it throws itself ends the schedule. */
  readonly onError?: ((error: unknown) => void) | undefined
  /** Called with the result of each tick on this host. An error that it throws goes to `onError`. */
  readonly onTick?: ((result: TickResult<unknown>) => void) | undefined
}

/** What became of a tick on this host. */
export type TickResult<T> =
  | { readonly ran: true; readonly tick: Date; readonly value: T }
  | {
      readonly ran: false
      readonly tick: Date
      /**
       * The process that took this tick, or, where none did in time, the one that ran the last tick before; undefined
       * where no tick ever ran.
       */
      readonly by: Holder | undefined
    }

/** One cron job on all of its hosts. */
export interface CronGuard {
  readonly name: string
  /**
   * Runs `job` if this host is the one for the present tick: once over all hosts, whose clocks may differ by less than
   * half an interval. Waits no longer than until the next tick (or `waitMs`), and only for a host that holds the lock
   * without having marked this tick. Costs one request where the tick is taken, and six where it runs, beside the job's.
   * Rejects with the error of the job (the tick counts as run), with HoldLostError if the lock was lost before the job
   * was done, with TypeError or RangeError for bad arguments, and otherwise as `acquire` of a lock; where the job did
   * not begin, the tick is left to others.
   */
  run<T>(job: CronJob<T>, options?: TickOptions): Promise<TickResult<T>>
  /**
   * Keeps the schedule: runs `job` at each tick for which this host is the one, until `signal` aborts or the client is
   * closed; then the job that runs is asked to stop, awaited for `graceMs`, and `start` resolves. `onError` is called
   * with each error, by default it becomes a warning of the process, and the next tick comes. Rejects with TypeError or
   * RangeError for bad arguments, and with HoldLostError if the job still runs when all else is over: then end the
   * process.
   */
  start(job: CronJob<unknown>, options?: StartOptions): Promise<void>
  /**
   * The text that the job of the last tick stored with `hold.checkpoint(text)`, read linearizably; undefined if no job
   * ever stored one. Costs one request. Rejects as `readCheckpoint` of a lock, and with ConflictError where a lock, not
   * a cron job, stored the checkpoint.
   */
  readCheckpoint(): Promise<string | undefined>
}

// Cron jobs as a caller sees them: the job, how a host takes part, and the result of each tick. Types only; cron/ is
// the implementation.
import type { Hold, Holder } from './hold.ts'
import type { AcquireOptions } from './lock.ts'

/**
 * The job of a tick, which runs under the hold of the cron job's lock. It should end soon after `hold.signal` aborts:
 * because the lock is lost, or because the caller ends it.
 */
export type CronJob<T> = (hold: Hold, tick: Date) => T | Promise<T>

/** The description of a cron job. All hosts must give the same one. */
export interface CronOptions {
  /**
   * A cron expression of five fields, of six with seconds in front, or a nickname such as `@hourly`. Needed unless
   * every `run` names its tick.
   */
  readonly schedule?: string | undefined
  /**
   * The time zone of the schedule, such as `Europe/Berlin`. The default is that of the process, which may differ by
   * host.
   */
  readonly timezone?: string | undefined
  /**
   * Whether another host runs a tick again if its host died during the job. Then a tick runs at least once instead of
   * at most once, since a host can also die after the job but before its end was recorded. With `retry` the other
   * hosts wait until the job is done. By default a tick never runs twice.
   */
  readonly retry?: boolean | undefined
  /**
   * Which missed ticks (no host took them) run late, before the next tick: all (true), none (false, the default), or
   * those for which the function returns true.
   */
  readonly catchUp?: boolean | ((missed: Date) => boolean) | undefined
  /** Called for every missed tick that does not run late, on the host that runs the next tick. */
  readonly onMissed?: ((missed: Date) => void) | undefined
}

/** How a host takes part in one tick. */
export interface TickOptions extends AcquireOptions {
  /** The scheduled time. By default the tick of the schedule that is nearest to the present. */
  readonly tick?: Date | undefined
  /** How long, in ms, a job may go on after `signal` aborted. 10 s by default. */
  readonly graceMs?: number | undefined
}

/** How a host keeps a schedule. */
export interface StartOptions extends Pick<TickOptions, 'signal' | 'graceMs'> {
  /** Called with each error after which the schedule goes on. An error that it throws itself ends the schedule. */
  readonly onError?: ((error: unknown) => void) | undefined
  /** Called with the result of each tick on this host. An error that it throws goes to `onError`. */
  readonly onTick?: ((result: TickResult<unknown>) => void) | undefined
}

/** The result of a tick on this host. */
export type TickResult<T> =
  | { readonly ran: true; readonly tick: Date; readonly value: T }
  | {
      readonly ran: false
      readonly tick: Date
      /**
       * The process that took this tick. If none took it in time, the process that ran the last tick before it;
       * undefined if no tick ever ran.
       */
      readonly by: Holder | undefined
    }

/** One cron job on all of its hosts. */
export interface CronGuard {
  readonly name: string
  /**
   * Runs `job` if this host wins the present tick. Among all hosts the tick runs once, provided that their clocks
   * differ by less than half an interval. Waits only for a host that holds the lock and has not marked this tick, at
   * most until the next tick (or for `waitMs`). Costs one request if the tick is taken, and six besides the job's own
   * if it runs.
   *
   * Rejects with the error of the job (the tick counts as run), with HoldLostError if the lock was lost before the job
   * was done, with TypeError or RangeError for bad arguments, and otherwise as `acquire` of a lock. If the job did not
   * begin, another host may take the tick.
   */
  run<T>(job: CronJob<T>, options?: TickOptions): Promise<TickResult<T>>
  /**
   * Keeps the schedule: runs `job` at each tick that this host wins, until `signal` aborts or the client is closed.
   * Then the running job is asked to stop, gets `graceMs` to end, and `start` resolves. After an error it calls
   * `onError` (by default it emits a process warning) and waits for the next tick. Rejects with TypeError or
   * RangeError for bad arguments, and with HoldLostError if the job still runs at the very end: then end the process.
   */
  start(job: CronJob<unknown>, options?: StartOptions): Promise<void>
  /**
   * The text that the last tick's job stored with `hold.checkpoint(text)`, by a consistent read. Undefined if no job
   * ever stored one. Costs one request. Rejects as `readCheckpoint` of a lock, and with ConflictError if a lock, not a
   * cron job, stored the checkpoint.
   */
  readCheckpoint(): Promise<string | undefined>
}

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
  /**
   * Called with every tick that no host took and that is not run late, in order, on the host that runs the next tick.
   * If more than 1,000 ticks were missed, it gets the latest 1,000. Then its first call has a second argument: the last
   * tick that a host took. All ticks after that were missed.
   */
  readonly onMissed?: ((missed: Date, since?: Date) => void) | undefined
  /**
   * How far ahead of its scheduled time, in ms, `run` may take a tick; 60 s by default, and never more than half the
   * interval. It only has to cover the difference of the clocks. Earlier than that, `run` runs nothing: otherwise a
   * person or a program that tries the job out would take a tick before its time.
   */
  readonly aheadMs?: number | undefined
}

/** How a host takes part in one tick. */
export interface TickOptions extends AcquireOptions {
  /**
   * The scheduled time; by default the tick of the schedule that is nearest to the present. A tick that is given here may
   * be at any time. It has no deadline other than `waitMs` and `giveUpMs`.
   */
  readonly tick?: Date | undefined
  /** How long, in ms, a job may go on after `signal` aborted. 10 s by default. */
  readonly graceMs?: number | undefined
  /**
   * How long, in ms, to keep trying while the store is out of reach; by default until the next tick, or for `waitMs`. A
   * tick that is given as `tick` is tried once by default.
   */
  readonly giveUpMs?: number | undefined
  /**
   * Called with errors after which `run` goes on: once for an outage of the store, and with a ClockError for a tick on
   * record that is in the future. By default each becomes a warning of the process.
   */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** How to keep a schedule. */
export interface StartOptions extends Pick<TickOptions, 'signal' | 'graceMs' | 'giveUpMs'> {
  /** Called with each error after which the schedule goes on. An error that it throws itself ends the schedule. */
  readonly onError?: ((error: unknown) => void) | undefined
  /** Called with the result of each tick on this host. An error that it throws goes to `onError`. */
  readonly onTick?: ((result: TickResult<unknown>) => void) | undefined
}

/** A tick on record. */
export interface TickRecord {
  readonly tick: Date
  /** The process that took it. Its `since` is the time at which it took the tick, by its own clock. */
  readonly by: Holder
  /** Whether the job ended, with or without an error. If not, it still runs, or its host died. */
  readonly done: boolean
  /** When the job ended, by the clock of its host. */
  readonly ended?: Date | undefined
}

/** One cron job that has run, as an operator sees it. */
export interface CronState {
  readonly name: string
  /** The tick on record that was written last. */
  readonly last: TickRecord
}

/** The outcome of a tick on this host. */
export type TickResult<T> =
  | { readonly ran: true; readonly tick: Date; readonly value: T }
  | {
      readonly ran: false
      readonly tick: Date
      /**
       * `taken`: a host has run it, or runs it. `over`: a host has taken a later tick. `busy`: the lock was not free in
       * time, and no host has taken the tick. `early`: the tick is too far ahead to be taken (see `aheadMs`).
       */
      readonly reason: 'taken' | 'over' | 'busy' | 'early'
      /**
       * A tick on record. For `taken` and `over` it is the tick that stands in the way, for `busy` the last tick that
       * ran. It is undefined for `early`, and if no tick ever ran.
       */
      readonly last: TickRecord | undefined
      /** The process that took the tick `last`. */
      readonly by: Holder | undefined
    }

/** The decision that `run` would take now. */
export interface TickPreview {
  readonly tick: Date
  /** `run`, or why the tick would not run: see TickResult. `busy` is not known beforehand. */
  readonly verdict: 'run' | 'taken' | 'over' | 'early'
  /** The tick on record that stands in the way, or else the one that was written last. */
  readonly last: TickRecord | undefined
  /** Ticks that no host took. `run` would run the ones that `catchUp` chooses late, and report the others. */
  readonly missed: readonly Date[]
}

/** One cron job on all of its hosts. */
export interface CronGuard {
  readonly name: string
  /**
   * Runs `job` if this host is the one for the present tick. Of all hosts one runs it, as long as their clocks differ
   * by less than half an interval. A tick that is more than `aheadMs` away is not taken: nothing runs, and no request
   * is sent. If another host holds the lock and has not marked this tick, waits for it, at most until the next tick (or
   * for `waitMs`). If the store is out of reach, waits for it as long (or for `giveUpMs`). Costs one request if the tick
   * is taken by another host, and six if it runs here; requests of the job come on top. Rejects with the error of the
   * job (the tick counts as run), with HoldLostError if the lock was lost before the job was done, with TypeError or
   * RangeError for bad arguments, and otherwise as `acquire` of a lock. If the job did not begin, the tick is left to
   * others.
   */
  run<T>(job: CronJob<T>, options?: TickOptions): Promise<TickResult<T>>
  /**
   * Runs `job` once under the lock, without taking a tick: for a person who wants it to run now. Waits in line while a
   * tick runs. The job gets the present time as its tick. Rejects as `run` does, and in an outage of the store as soon
   * as the retries of a request are over.
   */
  runNow<T>(job: CronJob<T>, options?: Omit<TickOptions, 'tick' | 'giveUpMs' | 'onError'>): Promise<T>
  /** Decides as `run` would now, and runs nothing. Costs at most one request. Rejects as `readCheckpoint`. */
  preview(): Promise<TickPreview>
  /**
   * Keeps the schedule: runs `job` at each tick for which this host is the one, until `signal` aborts or the client is
   * closed; then the job that runs is asked to stop, awaited for `graceMs`, and `start` resolves. `onError` is called
   * with each error, and the schedule goes on; by default the error becomes a warning of the process. Rejects with
   * TypeError or RangeError for bad arguments, and with HoldLostError if the job still runs after its grace: then end
   * the process.
   */
  start(job: CronJob<unknown>, options?: StartOptions): Promise<void>
  /**
   * The text that the last tick's job stored with `hold.checkpoint(text)`, by a consistent read. Undefined if no job
   * ever stored one. Costs one request. Rejects as `readCheckpoint` of a lock, and with ConflictError if a lock, not a
   * cron job, stored the checkpoint.
   */
  readCheckpoint(): Promise<string | undefined>
  /** The tick that was taken last, by a consistent read; undefined if none was. Costs and rejects as `readCheckpoint`. */
  readLast(): Promise<TickRecord | undefined>
  /**
   * Forgets the ticks on record that lie further in the future than clocks may differ, and resolves with these ticks. A
   * host whose clock is far ahead leaves such ticks. Check the clock of this machine first. Waits in line while a tick
   * runs; costs four requests. Rejects as `acquire` of a lock and as `readCheckpoint`.
   */
  reset(options?: AcquireOptions): Promise<TickRecord[]>
}

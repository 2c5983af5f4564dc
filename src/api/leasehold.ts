// A client as a caller sees it. It is an abstract class, not an interface, so that it is also a value: a token for
// dependency injection, and the right-hand side of `instanceof`. It has no code; connect.ts has the implementation.
import type { Clock } from '../base/clock.ts'
import type { Facts, NameState, Standing } from '../contract.ts'
import type { AskOptions } from './ask.ts'
import type { CronGuard, CronOptions, CronState } from './cron.ts'
import type { Election } from './election.ts'
import type { ClientHealth } from './health.ts'
import type { Mutex, MutexGroup, MutexOptions, RwLock, Semaphore, SemaphoreOptions } from './lock.ts'

/** The options of a client on every store. */
export interface ConnectOptions {
  /**
   * Time to live of the session in ms: if a client dies, the store frees its locks after this time. The store defines
   * the range and the default (`facts`). A shorter time means a faster take-over, but a hold is lost sooner when the
   * process or the network pauses.
   */
  readonly ttlMs?: number | undefined
  /**
   * How long to try to reach the store, in ms; default 5 000. While the store does not answer, `connect` asks again until
   * that time is over, and then rejects with UnavailableError. 0 tries four times in a row, for 5 s at most.
   */
  readonly waitMs?: number | undefined
  /** When it aborts, `connect` gives up and rejects with its reason. Later aborts do not affect the client. */
  readonly signal?: AbortSignal | undefined
  /** The source of time and random numbers, to replace in tests. */
  readonly clock?: Clock | undefined
}

/**
 * A client of one store, made by `connect`. Close it when done: until then it keeps the process alive. For dependency
 * injection the class is the token: `{ provide: Leasehold, useFactory: () => connect() }`.
 */
export abstract class Leasehold implements AsyncDisposable {
  /** The store's URL, without secrets. */
  abstract readonly url: string
  /** The properties of the store. */
  abstract readonly facts: Facts
  /** Time to live of the session in ms, as it was asked for; the store's default if `connect` got none. */
  abstract readonly ttlMs: number
  /**
   * The store's id of the present session. Undefined while there is none: the store did not confirm the last one in time,
   * or the client is closed. Computed from the clock when read, so a health check of a process can rely on it.
   */
  abstract readonly session: string | undefined

  /**
   * The state of this client now, for a health check: its session and how long it still counts, the age of the last
   * answer, and the part of each candidate of this client. Computed from the clock when called, also after a blocked event
   * loop. Sends nothing, and never throws. A worker that only works while it leads is unhealthy if its candidate is not on the
   * list any more, or is `overdue`.
   */
  abstract health(): ClientHealth

  /** A lock with one holder at a time. Sends nothing. Throws TypeError or RangeError for bad arguments. */
  abstract mutex(name: string, options?: MutexOptions): Mutex

  /** A lock with up to `permits` holders at a time. Sends nothing. Throws TypeError or RangeError for bad arguments. */
  abstract semaphore(name: string, options: SemaphoreOptions): Semaphore

  /** A lock of readers and writers. Sends nothing. Throws TypeError or RangeError for a bad name. */
  abstract rwlock(name: string): RwLock

  /**
   * Several mutexes as one lock, all or none. Sends nothing. Throws TypeError or RangeError for bad names: it takes 1 to 64
   * different ones.
   */
  abstract mutexes(names: readonly string[]): MutexGroup

  /**
   * A cron job that runs once per tick among all hosts. Sends nothing. Throws TypeError or RangeError for bad
   * arguments; the message about a bad schedule names the wrong field.
   */
  abstract cron(name: string, options: CronOptions): CronGuard

  /** An election of one leader. Sends nothing. Throws TypeError or RangeError for a bad name. */
  abstract election(name: string): Election

  /**
   * The claims of all clients on a name: holders first, then waiters in order. For people to read, since the answer may
   * be out of date when it arrives. Leaves nothing in the store. Costs one request. Rejects with TypeError or RangeError
   * for a bad name, and as `readCheckpoint` of a lock does.
   */
  abstract line(name: string, options?: AskOptions): Promise<Standing[]>

  /**
   * The claims on every name that begins with `prefix` (default: every name), sorted as strings. For each name:
   * holders first, then waiters in order, including those of `etcdctl lock` and `consul lock`. Each claim has the
   * `token` that `break` takes. By a consistent read. Costs one request. On etcd it costs one more for each 500 keys
   * with this prefix, whatever they are used for, and one more for each holder's session. Rejects as `line` does.
   */
  abstract survey(prefix?: string, options?: AskOptions): Promise<NameState[]>

  /**
   * The cron jobs whose names begin with `prefix` (default: all), sorted by name as strings, each with its last tick on
   * record: the host that took it, and its end. A job that no host ever ran has no record. By consistent reads. Costs one
   * request, on etcd one for each 500 jobs. The store sends the checkpoints of all names with this prefix. Rejects as
   * `line` does, and with RefusedError if the credentials may not read checkpoints.
   */
  abstract cronJobs(prefix?: string, options?: AskOptions): Promise<CronState[]>

  /**
   * Takes a lock, a permit or a term away from the holder with this token. Resolves with whether it did: false if no
   * holder has this token, and then nothing was changed. The next in line holds at once. A holder in Leasehold gets
   * its HoldLostError within a third of its TTL, and usually at once. Until then both may work, so stop the old holder
   * first if you can. A holder of `etcdctl lock` or Go on etcd never learns of it.
   *
   * Costs one request (two on etcd and Consul), and is never repeated: after an UnavailableError use `survey` to see
   * whether it did. Rejects with TypeError or RangeError for a bad name or token, and with RefusedError.
   */
  abstract break(name: string, token: bigint, options?: AskOptions): Promise<boolean>

  /**
   * Rejects every wait (with a ClosedError), releases every hold, ends the session and closes every connection,
   * so that the process can exit by itself. Work that `lead` or a cron guard has begun is asked to stop and awaited,
   * for no longer than its grace, before its hold is released: do not await `close` inside such work. Idempotent.
   * Never rejects; a store that does not answer delays it by a few seconds at most, and then frees the locks when
   * the time to live is over. Calls that come later reject with a ClosedError.
   */
  abstract close(): Promise<void>

  /** Closes the client, at the end of an `await using` block. */
  abstract [Symbol.asyncDispose](): Promise<void>
}

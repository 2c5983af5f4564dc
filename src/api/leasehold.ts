// A client as a caller sees it. An abstract class and not an interface, so that it is also a value: a token for dependency
// injection, and the right-hand side of `instanceof`. It has no code; connect.ts has the implementation.
import type { Clock } from '../base/clock.ts'
import type { Facts, NameState, Standing } from '../contract.ts'
import type { AskOptions } from './ask.ts'
import type { CronGuard, CronOptions } from './cron.ts'
import type { Election } from './election.ts'
import type { Mutex, Semaphore, SemaphoreOptions } from './lock.ts'

/** How a client behaves, whatever its store. */
export interface ConnectOptions {
  /**
   * Time to live of the session in ms: how long the store waits for a client that died before it gives its locks
   * away. The range and the default are the store's (`facts`). Shorter means a faster take-over, and a
   * hold lost sooner when the process or the network pauses.
   */
  readonly ttlMs?: number | undefined
  /** Time and chance, for tests. */
  readonly clock?: Clock | undefined
}

/**
 * A client of one store. `connect` makes it; close it when done: until then it keeps the process alive. For dependency
 * injection the class itself is the token: `{ provide: Leasehold, useFactory: () => connect() }`.
 */
export abstract class Leasehold implements AsyncDisposable {
  /** The store, without secrets. */
  abstract readonly url: string
  /** What its store can do. */
  abstract readonly facts: Facts
  /** Time to live of its session in ms, as asked; the store's default if `connect` was not told any. */
  abstract readonly ttlMs: number

  /** A lock that one may hold at a time. Sends nothing. Throws TypeError or RangeError for a bad name. */
  abstract mutex(name: string): Mutex

  /** A lock that `permits` may hold at a time. Sends nothing. Throws TypeError or RangeError for bad arguments. */
  abstract semaphore(name: string, options: SemaphoreOptions): Semaphore

  /**
   * A cron job that runs once per tick over all hosts. Sends nothing. Throws TypeError or RangeError for bad arguments; one
   * about the schedule says which field is wrong.
   */
  abstract cron(name: string, options: CronOptions): CronGuard

  /** An election of one leader. Sends nothing. Throws TypeError or RangeError for a bad name. */
  abstract election(name: string): Election

  /**
   * The claims on a name, this client's and all others': holders first, then waiters in order. It leaves nothing in
   * the store and may be out of date when it arrives: it is for people to read. Costs one request. Rejects with
   * TypeError or RangeError for a bad name, and as `readCheckpoint` of a lock does.
   */
  abstract line(name: string, options?: AskOptions): Promise<Standing[]>

  /**
   * The claims on every name that begins with `prefix` (default: every name), sorted as strings; of each name holders
   * first, then waiters in order, those of `etcdctl lock` and `consul lock` too. Each claim has the `token` that `break`
   * asks for. Read linearizably. Costs one request; on etcd one more for each 500 keys that begin so, whatever they are
   * for, and for each holder's session. Rejects as `line` does.
   */
  abstract survey(prefix?: string, options?: AskOptions): Promise<NameState[]>

  /**
   * Takes a lock, a permit or a term away from the holder that has it with this token, and resolves with whether it did:
   * false if nobody holds with it, and then nothing was changed. The next in line holds at once. A holder of ours gets
   * its HoldLostError within a third of its TTL, mostly at once; until then both may work, so stop it first if you
   * can. etcd does not tell a holder of `etcdctl lock` or Go. Costs one request (on etcd and Consul two). Asks once only:
   * after an UnavailableError look with `survey` whether it did. Rejects with TypeError or RangeError for a bad
   * name or token, and with RefusedError.
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

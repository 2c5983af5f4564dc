// Elections as a caller sees them: candidates, terms, and work that only the leader does. Types only; election/ is the
// implementation.
import type { Leader } from '../contract.ts'
import type { Hold } from './hold.ts'
import type { AcquireOptions } from './lock.ts'

/** How to stand for an election. */
export interface CampaignOptions extends AcquireOptions {
  /** A text about the leader, such as an address, for others to read. By default its host and process id as JSON. */
  readonly value?: string | undefined
}

/** How to observe an election. */
export interface ObserveOptions {
  /** Ends the observation; the loop then throws its reason. */
  readonly signal?: AbortSignal | undefined
}

/** The work of a leader. It should end soon after `term.signal` aborts. */
export type LeadWork = (term: Term) => unknown

/** How to lead. */
export interface LeadOptions {
  /** A text about the leader for others to read, as for `campaign`. */
  readonly value?: string | undefined
  /** Called with the number of candidates ahead, as for `acquire`. */
  readonly onWait?: ((ahead: number) => void) | undefined
  /** Ends the leading: the work is asked to stop, the term is resigned, and `lead` resolves. */
  readonly signal?: AbortSignal | undefined
  /** How long, in ms, work may go on after `term.signal` aborted. 10 s by default. */
  readonly graceMs?: number | undefined
  /**
   * Called with each error after which `lead` goes on. By default it emits a process warning. An error that `onError`
   * throws itself ends `lead`.
   */
  readonly onError?: ((error: unknown) => void) | undefined
}

/**
 * Leadership that is held. A Term is a Hold: `token`, `held`, `assertHeld`, `verify` and `checkpoint` are those of a
 * lock. Its `signal` aborts when the work has to stop: the term was lost (a HoldLostError), it was resigned, or, under
 * `lead`, the caller ended it.
 */
export interface Term extends Hold {
  /**
   * Replaces the value that `leader` and `observe` return. The store refuses it unless this term still stands; of two
   * calls the later one wins. Costs one request. Rejects with HoldLostError when refused or after the end of the term,
   * with TypeError or RangeError for a bad value, and with UnavailableError if the store did not answer.
   */
  proclaim(value: string): Promise<void>
  /**
   * Gives leadership up; one event later the next candidate leads. End the protected work first: from the call on
   * `held` is false and `signal` is aborted. The same as `release`.
   */
  resign(): Promise<void>
}

/**
 * One leader at a time, in the order in which the candidates came. On etcd it is the election of `etcdctl elect NAME`
 * and of Go's `concurrency.Election`. On Consul the leader is the session on the key `NAME/.lock`, as with `consul
 * lock NAME`. A mutex of the same name stands in the same line, but on etcd it counts tokens differently, so its token
 * may be smaller than that of the term before. If tokens fence something, use a name for an election or for a mutex,
 * never for both.
 */
export interface Election {
  readonly name: string
  /**
   * Waits in line, and resolves with a term when this candidate leads. Costs one request if nobody leads. Rejects with
   * WaitTimeoutError after `waitMs`, with `signal.reason` on abort, with TypeError or RangeError for a bad option or
   * value, and with UnavailableError, ConflictError or RefusedError. In each case the candidacy is over. A candidate
   * whose session is lost while it waits stands in line again, at the end.
   */
  campaign(options?: CampaignOptions): Promise<Term>
  /**
   * The present leader, by a consistent read. Undefined if nobody leads. Costs one request. Rejects as
   * `readCheckpoint` of a lock.
   */
  leader(): Promise<Leader | undefined>
  /**
   * Yields the leader at once and after every change: another leader, another value, or undefined while nobody leads.
   * A slow reader may miss states in between, but never the last one. Costs one request and one watch, and one more
   * request for each change. While the store is unreachable it waits, and goes on afterwards.
   *
   * Ends when you leave the loop. Throws `signal.reason`, an AbortError when the client is closed, RefusedError, and
   * UnavailableError if the store does not answer the first question. The call itself throws TypeError for a bad
   * option.
   */
  observe(options?: ObserveOptions): AsyncGenerator<Leader | undefined, never, void>
  /**
   * Campaigns, calls `work` with the term when this candidate leads, and campaigns again when the work is done.
   * Resolves after `signal` aborts or the client is closed. When the work has to stop, `term.signal` aborts. The term
   * is resigned when the work has ended, or `graceMs` later, never before.
   *
   * Work that throws, a lost term and an unreachable store do not end `lead`: it calls `onError`, pauses for up to 2 s
   * and goes on. Rejects with TypeError or RangeError for bad arguments, with ConflictError and RefusedError, and with
   * HoldLostError if the work still runs at the very end: then end the process.
   */
  lead(work: LeadWork, options?: LeadOptions): Promise<void>
}

// Elections as a caller sees them: candidates, terms, and work that only the leader does. Types only; election/ is the
// implementation.
import type { Leader } from '../contract.ts'
import type { AskOptions } from './ask.ts'
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
  /**
   * Called with each error that the observation goes on after: the store had answered before, and now did not answer,
   * or refused. By default the error becomes a warning of the process. An error that `onError` itself throws ends the
   * loop.
   */
  readonly onError?: ((error: unknown) => unknown) | undefined
  /** Asked about each of these errors: true ends the loop with it. By default none of them does. */
  readonly fatal?: ((error: unknown) => boolean) | undefined
}

/**
 * An observation under way: `for await (const leader of observing)`. The end of the loop, or `return`, ends a step that
 * is under way at once.
 */
export interface Observing extends AsyncGenerator<Leader | undefined, never, void> {
  /**
   * When the question for the newest answer was sent, in ms since 1970 by the wall clock; undefined before the first
   * answer.
   */
  readonly asOfMs: number | undefined
  /**
   * Whether `asOfMs` is longer ago than the TTL and the time of one request. Then the store is out of reach, and
   * another candidate may lead. Computed from the clock when read.
   */
  readonly stale: boolean
}

/** The work of a leader. It should end soon after `term.signal` aborts. */
export type LeadWork = (term: LedTerm) => unknown

/** How to lead. */
export interface LeadOptions {
  /** A text about the leader for others to read, as for `campaign`. */
  readonly value?: string | undefined
  /** Called with the number of candidates that stand ahead, as for `acquire`. */
  readonly onWait?: ((ahead: number) => unknown) | undefined
  /** Ends `lead`: the work is asked to stop, the term is resigned, and `lead` resolves. */
  readonly signal?: AbortSignal | undefined
  /** How long, in ms, work may go on after `term.signal` aborted. 10 s by default. */
  readonly graceMs?: number | undefined
  /**
   * The time that the work needs to stop, in ms. If no renewal is answered, `term.signal` aborts so long before the
   * deadline (with a HoldLostError, code `LEASEHOLD_HOLD_SHORT`), and the work has stopped before another candidate can
   * lead. By default a fifth of the TTL; at most half of the TTL without its margin.
   */
  readonly stopBeforeMs?: number | undefined
  /**
   * The longest rest, in ms, after work that fails again and again: 50 ms after the first failure, then twice as long each
   * time. 30 s by default. A term that lasts as long as this begins the rests anew.
   */
  readonly retryMaxMs?: number | undefined
  /**
   * Called with each error that `lead` goes on after. By default the error becomes a warning of the process. An error
   * that `onError` itself throws ends `lead`. If `onError` returns a promise, `lead` awaits it.
   */
  readonly onError?: ((error: unknown) => unknown) | undefined
  /**
   * Asked about each error of a campaign: true ends `lead` with it, false lets `lead` go on. By default only a
   * ConflictError or RefusedError ends it, and only before the store has ever let this candidate stand in line: that is
   * a wrong configuration. Later the same errors may be temporary.
   */
  readonly fatal?: ((error: unknown) => boolean) | undefined
}

/**
 * A term of leadership. It is a Hold: `token`, `held`, `assertHeld`, `verify` and `checkpoint` are those of a lock. Its
 * `signal` aborts when it is time to stop: the term was lost (a HoldLostError), it was resigned, or, under `lead`, the
 * caller wants an end.
 */
export interface Term extends Hold {
  /** Whether it is time to stop: `signal.aborted`. `held` is about the lock, and may still be true then. */
  readonly stopping: boolean
  /**
   * Replaces the value that `leader` and `observe` return. The store refuses it unless this term still stands; of two
   * calls the later one wins. Costs one request. Rejects with HoldLostError when refused or after the end of the term,
   * with TypeError or RangeError for a bad value, and with UnavailableError if the store did not answer.
   */
  proclaim(value: string, options?: AskOptions): Promise<void>
  /**
   * Gives leadership back; the next candidate leads after one more event. First end the work that the term protects:
   * from the call on `held` is false and `signal` is aborted. Costs, resolves and rejects as `release`, which does the
   * same.
   */
  resign(): Promise<void>
}

/** How to step down. */
export interface StepDownOptions {
  /** How long, in ms, this candidate stays out of the line afterwards; 0 by default. */
  readonly awayMs?: number | undefined
}

/**
 * The term of work under `lead`. It cannot be given up while the work runs: `stepDown` asks for that, and `lead` gives it
 * up when the work has ended.
 */
export interface LedTerm extends Omit<Term, 'resign' | 'release' | typeof Symbol.asyncDispose> {
  /**
   * Asks for the end of this term: `signal` aborts, `lead` waits until the work has ended (for `graceMs`), gives
   * leadership up, and stands for election again after `awayMs`. Returns at once, and sends nothing. Throws TypeError or
   * RangeError for a bad option.
   */
  stepDown(options?: StepDownOptions): void
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
   * Waits in line and resolves with a term when this candidate leads. If nobody leads it costs one request. Rejects
   * with WaitTimeoutError after `waitMs`, with `signal.reason` on abort, with TypeError or RangeError for a bad option
   * or value, and with UnavailableError, ConflictError or RefusedError; in each case the candidacy is over. A candidate
   * whose session was lost while it waited stands in line again, at its end. A client that leads, or stands, already
   * waits for itself: after a TTL a warning of the process says so.
   */
  campaign(options?: CampaignOptions): Promise<Term>
  /**
   * The present leader, by a consistent read. Undefined if nobody leads. Costs one request. Rejects as
   * `readCheckpoint` of a lock.
   */
  leader(options?: AskOptions): Promise<Leader | undefined>
  /**
   * Yields the leader, at once and then whenever that changes: another leader, another value, or undefined while nobody
   * leads. A slow reader may miss states in between, never the last state. Costs one request and one watch, and
   * one request more for each change. Once the store has answered, the loop goes on after an outage or a refusal, and
   * `onError` is called with each error, at most every 2 s. Ends by leaving the loop, or throws `signal.reason`, a
   * ClosedError when the client is closed, and UnavailableError, ConflictError or RefusedError if that is the first
   * answer. The call itself throws TypeError for a bad option.
   */
  observe(options?: ObserveOptions): Observing
  /**
   * Campaigns, calls `work` with the term when this candidate leads, and campaigns again when the work is done, until
   * `signal` aborts or the client is closed; then resolves. When the work has to stop, `term.signal` aborts; the term
   * is resigned when the work is over, or `graceMs` later, never before. The value that the work proclaimed last is
   * that of the next term. `onError` is called with each error after which `lead` goes on: a term that is lost, a store
   * out of reach or a refusal that may be temporary (`lead` then pauses for up to 2 s), and work that throws (it pauses
   * for up to `retryMaxMs`). Rejects with TypeError or RangeError for bad arguments, with ConflictError or RefusedError
   * if that is the first answer that the candidate ever gets (`fatal` decides otherwise), and with HoldLostError if the
   * work still runs after its grace: then end the process.
   */
  lead(work: LeadWork, options?: LeadOptions): Promise<void>
}

// Elections as a caller sees them: candidates, terms, and work that only the leader does. Types only; election/ is the
// implementation.
import type { Leader } from '../contract.ts'
import type { AskOptions } from './ask.ts'
import type { AcquireOptions } from './lock.ts'
import type { LedTerm, Term } from './term.ts'

/** The text about a candidate that others read, or a function that is asked for it before each campaign. */
export type CandidateValue = string | (() => string | Promise<string>)

/** How to stand for an election. */
export interface CampaignOptions extends AcquireOptions {
  /** A text about the leader, such as an address, for others to read. By default its host and process id as JSON. */
  readonly value?: CandidateValue | undefined
  /**
   * A whole number from 0, such as the number of a deployment. This candidate overtakes waiting candidates with a
   * smaller priority: they stand in line again behind it, in any order. The leader stays. It never overtakes a candidate
   * without a priority or with the same priority, a claim of a mutex, or a claim of another program. Costs one request if
   * others wait ahead, and two for each time that it overtakes.
   */
  readonly priority?: number | undefined
}

/** How to campaign without waiting. */
export type TryCampaignOptions = Pick<CampaignOptions, 'value' | 'signal'>

/** How to work for one term. */
export interface TermOptions extends CampaignOptions {
  /** Ends the wait; once the work has begun, asks it to stop. */
  readonly signal?: AbortSignal | undefined
  /** How long, in ms, work may go on after `term.signal` aborted, as for `lead`. */
  readonly graceMs?: number | undefined
  /** How long before the deadline, in ms, `term.signal` aborts when no renewal is answered, as for `lead`. */
  readonly stopBeforeMs?: number | undefined
}

/** The leader, as one client sees it. */
export interface SeenLeader extends Leader {
  /** Whether it leads with the present session of this client. */
  readonly mine: boolean
}

/** A candidate that leads or waits. */
export interface Candidate extends SeenLeader {
  /** Whether it leads. */
  readonly leads: boolean
  /** Undefined if it has none, and on Consul also for the leader. */
  readonly priority?: number | undefined
}

/** How to observe an election. */
export interface ObserveOptions {
  /** Ends the observation; the loop then throws its reason. */
  readonly signal?: AbortSignal | undefined
  /**
   * Called with each error after which the observation goes on: a store that has answered before does not answer now, or
   * refuses. By default the error becomes a warning of the process. An error that `onError` itself throws ends the
   * loop.
   */
  readonly onError?: ((error: unknown) => unknown) | undefined
  /** Asked about each of these errors: true ends the loop with it. By default none of them does. */
  readonly fatal?: ((error: unknown) => boolean) | undefined
}

/**
 * An observation under way: `for await (const leader of observing)`. Leaving the loop, or a call of `return`, ends it at
 * once, even while a `next` is pending.
 */
export interface Observing extends AsyncGenerator<SeenLeader | undefined, never, void> {
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

/** The leader as a service in the catalog of the store. */
export interface LeaderService {
  /** The name of the service: letters, digits and hyphens, at most 63, so that DNS finds it. */
  readonly name: string
  /** The port at which the leader serves. */
  readonly port: number
  /** The address at which the leader serves. By default that of the agent's node. */
  readonly address?: string | undefined
  /** Tags of the service. */
  readonly tags?: readonly string[] | undefined
}

/** How to lead. */
export interface LeadOptions {
  /**
   * A text about the leader for others to read, as for `campaign`. A text is replaced by the
   * value that the work proclaimed, a function is not.
   */
  readonly value?: CandidateValue | undefined
  /** Which candidates this one overtakes, as for `campaign`. */
  readonly priority?: number | undefined
  /**
   * Whether this candidate may lead now: asked before each campaign, every second while it waits, and once more before
   * a term that it had to wait for. While it says no, the candidate does not stand in line. An error counts as no, and
   * is passed to `onError`. A no does not end a term that has begun: use `term.stepDown` for that.
   */
  readonly eligible?: (() => boolean | Promise<boolean>) | undefined
  /**
   * Only on a store with a catalog of services (`facts.catalog`), which is Consul: while this candidate leads, the
   * agent has this service, with a health check that passes. The service is removed when the work is asked to stop. If
   * the process dies or is cut off, the check fails within a TTL, before another candidate can lead. So
   * `web.service.consul` is the address of the leader. Costs one request for each third of the TTL, and needs
   * `service_prefix "" { policy = "write" }`. `onError` is called if the agent refuses; the term goes on.
   */
  readonly service?: LeaderService | undefined
  /** Called with the number of candidates that stand ahead, as for `acquire`. */
  readonly onWait?: ((ahead: number) => unknown) | undefined
  /** Ends `lead`: the work is asked to stop, the term is resigned, and `lead` resolves. */
  readonly signal?: AbortSignal | undefined
  /** How long, in ms, work may go on after `term.signal` aborted. 10 s by default. */
  readonly graceMs?: number | undefined
  /**
   * The time that the work needs to stop, in ms. If no renewal is answered, `term.signal` aborts this long before the
   * deadline (with a HoldLostError, code `LEASEHOLD_HOLD_SHORT`), so that the work stops before another candidate can
   * lead. By default a fifth of the TTL. At most half of the time from a renewal to the deadline.
   */
  readonly stopBeforeMs?: number | undefined
  /**
   * The longest rest, in ms, after work that fails again and again: 50 ms after the first failure, then twice as long
   * each time. 30 s by default. After a term that lasts for as long as the longest rest, the rests begin with 50 ms
   * again.
   */
  readonly retryMaxMs?: number | undefined
  /**
   * Called with each error after which `lead` goes on. By default the error becomes a warning of the process. An error
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
 * One leader at a time, in the order in which the candidates came. On etcd it is the election of `etcdctl elect NAME`
 * and of Go's `concurrency.Election`. On Consul the leader is the session on the key `NAME/.lock`, as with `consul
 * lock NAME`. A mutex of the same name stands in the same line, but on etcd it counts tokens differently, so its token
 * may be smaller than that of the term before. So if you fence by tokens, use a name for an election or for a mutex, but
 * not for both.
 */
export interface Election {
  readonly name: string
  /**
   * Waits in line and resolves with a term when this candidate leads. If nobody leads it costs one request. Rejects
   * with WaitTimeoutError after `waitMs`, with `signal.reason` on abort, with TypeError or RangeError for a bad option
   * or value, and with UnavailableError, ConflictError or RefusedError; in each case the candidacy is over. A candidate
   * whose session was lost while it waited stands again at the end of the line. If this client leads or waits already,
   * the campaign waits for the client itself: after a TTL, or a longer lock-delay, a warning of the process says so.
   */
  campaign(options?: CampaignOptions): Promise<Term>
  /**
   * Resolves with a term if nobody leads and nobody waits, otherwise with undefined. Costs one request, and leaves
   * nothing behind. Rejects as `campaign` does.
   */
  tryCampaign(options?: TryCampaignOptions): Promise<Term | undefined>
  /**
   * Campaigns once, calls `work` with the term, resigns when the work is over, and resolves with its result. `signal`
   * ends the wait; later it asks the work to stop, and `run` waits for its end. Rejects as `campaign` does, with the
   * unchanged error of the work, and with HoldLostError if the term was lost before the work was done, or if the work
   * still runs `graceMs` after it had to stop.
   */
  run<T>(work: (term: LedTerm) => T | Promise<T>, options?: TermOptions): Promise<T>
  /**
   * The present leader, by a consistent read. Undefined if nobody leads. Costs one request. Rejects as
   * `readCheckpoint` of a lock.
   */
  leader(options?: AskOptions): Promise<SeenLeader | undefined>
  /**
   * The leader, then the waiting candidates in order. Claims of a mutex of the same name are among them, since candidates
   * wait for those, too. The answer may be out of date when it arrives. Costs one request. Rejects as `leader` does.
   */
  candidates(options?: AskOptions): Promise<Candidate[]>
  /**
   * The text that a leader stored last with `term.checkpoint`, such as the place at which the next leader continues.
   * Undefined if no leader stored one.
   * Costs one request. Rejects as `readCheckpoint` of a lock.
   */
  readCheckpoint(options?: AskOptions): Promise<string | undefined>
  /**
   * Makes room for other candidates, as before a deployment. Affects `lead` of this object permanently: while another
   * candidate leads or waits, its own candidate is not in line. It leads again only if no other candidate does. If it
   * leads now, it goes on until another candidate waits. If one waits already, it goes on for 10 s, since that one may
   * be about to make room, too. Asks the store once per second. Then the work is asked to stop, as by `stepDown`.
   * Returns at once.
   */
  drain(): void
  /**
   * Yields the leader, at once and then whenever that changes: another leader, another value, or undefined while nobody
   * leads. A slow reader may miss states in between, but never the last one. Costs one request and one watch, and
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

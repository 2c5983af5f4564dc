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
   * A whole number from 0, such as the number of a deployment. This candidate overtakes the ones in line that have a smaller
   * priority: those stand in line again behind it, in any order, and the leader stays. It never overtakes a candidate
   * without a priority, one with the same priority, a claim of a mutex, or one of another program. Costs one request where
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
  /** Undefined where it has none, and on Consul for a leader. */
  readonly priority?: number | undefined
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
   * Whether this candidate may lead now: asked before each campaign, every second while it waits, and once more before a term
   * that it had to wait for. While it says no, the candidate does not stand in line. An error counts as no, and is told to
   * `onError`. It does not end a term that has begun: `term.stepDown` does.
   */
  readonly eligible?: (() => boolean | Promise<boolean>) | undefined
  /**
   * Only on a store with a catalog of services (`facts.catalog`), which is Consul: while this candidate leads, the agent has
   * this service, with a health check that passes. It is gone when the work is asked to stop, and if the process dies or
   * is cut off, the check fails within a TTL, before another candidate can lead. So `web.service.consul` is the address of
   * the leader. Costs one request for each third of the TTL, and needs `service_prefix "" { policy = "write" }`. `onError`
   * is called if the agent refuses; the term goes on.
   */
  readonly service?: LeaderService | undefined
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
   * waits for itself: after a TTL, or a longer lock-delay, a warning of the process says so.
   */
  campaign(options?: CampaignOptions): Promise<Term>
  /**
   * Resolves with a term if nobody leads and nobody waits, otherwise with undefined. Costs one request, and leaves nothing
   * behind. Rejects as `campaign`.
   */
  tryCampaign(options?: TryCampaignOptions): Promise<Term | undefined>
  /**
   * Campaigns once, calls `work` with the term, resigns when the work is over, and resolves with its result. `signal` ends
   * the wait; later it asks the work to stop, and `run` waits for its end. Rejects as `campaign`, with the error of the work
   * as it is, and with HoldLostError if the term was lost before the work was done, or if the work still runs `graceMs`
   * after it had to stop.
   */
  run<T>(work: (term: LedTerm) => T | Promise<T>, options?: TermOptions): Promise<T>
  /**
   * The present leader, by a consistent read. Undefined if nobody leads. Costs one request. Rejects as
   * `readCheckpoint` of a lock.
   */
  leader(options?: AskOptions): Promise<SeenLeader | undefined>
  /**
   * The leader, then those that wait, in order. Claims of a mutex of the same name are among them, since candidates wait
   * for those, too. It may be out of date when it arrives. Costs one request. Rejects as `leader`.
   */
  candidates(options?: AskOptions): Promise<Candidate[]>
  /**
   * The text that a leader has stored last with `term.checkpoint`: where the next one goes on. Undefined if there is none.
   * Costs one request. Rejects as `readCheckpoint` of a lock.
   */
  readCheckpoint(options?: AskOptions): Promise<string | undefined>
  /**
   * Makes room for other candidates, as before a deployment. It concerns `lead` of this object, for good: while anybody else
   * leads or waits, its candidate is not in line, and it leads again only if nobody else does. If it leads, it goes on
   * until a candidate comes to wait, or 10 s if one waits already, since that one may be about to make room, too. It asks
   * the store once per second. Then the work is asked to stop, as by `stepDown`. Returns at once.
   */
  drain(): void
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

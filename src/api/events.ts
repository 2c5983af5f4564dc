// The events that a process can listen to by `node:diagnostics_channel`: types only. core/events.ts has the channels, and
// docs/observability.md lists them.
import type { LossCause } from '../base/errors.ts'
import type { Hold } from './hold.ts'

/** The parts of every event. */
export interface ClientEvent {
  /** The store's URL, without secrets. */
  readonly store: string
  /** Stands for the client: the same object in all events of one client. Only compare it. */
  readonly client: object
}

/** The kinds of a lock, as events and metrics name them. */
export type LockKind = 'mutex' | 'semaphore' | 'reader' | 'writer' | 'election' | 'cron'

/** The parts of every event about a lock. */
export interface LockEvent extends ClientEvent {
  readonly name: string
  readonly kind: LockKind
}

/**
 * The end of an acquire. `held`: the caller holds. `busy`: `tryAcquire` found the name taken. `timeout`: `waitMs` is over.
 * `aborted`: the caller's signal aborted. `closed`: the client was closed. `unavailable`, `refused`, `conflict`: the error of that
 * name. `error`: any other.
 */
export type AcquireOutcome =
  | 'held'
  | 'busy'
  | 'timeout'
  | 'aborted'
  | 'closed'
  | 'unavailable'
  | 'refused'
  | 'conflict'
  | 'error'

/** An acquire, a campaign, or the wait of a cron host for its lock: the context of `tracing:leasehold:acquire:*`. */
export interface AcquireEvent extends LockEvent {
  readonly permits: number
  /** How many of the permits it takes. */
  readonly weight: number
  readonly waitMs: number | undefined
  /** How many claims were ahead when that last changed; 0 while none is known. */
  readonly ahead: number
  /** Set at the end. */
  readonly outcome?: AcquireOutcome | undefined
  /** The hold, if the outcome is `held`. Set at the end. */
  readonly result?: Hold | undefined
  /** Set at the end, if it rejects. */
  readonly error?: unknown
}

/** The parts of every event about a hold. */
export interface HoldEvent extends LockEvent {
  /** The hold itself. */
  readonly hold: Hold
  readonly token: bigint
  /** The store's id of its session. */
  readonly session: string
}

/** A release by the program: the context of `tracing:leasehold:release:*`. */
export interface ReleaseEvent extends HoldEvent {
  readonly error?: unknown
}

/** Half of the life of a hold is gone without an answer of the store: `leasehold:hold.near-loss`. */
export interface NearLossEvent extends HoldEvent {
  /** Time to the deadline in ms. */
  readonly remainingMs: number
  /** Why the last renewal failed; undefined if it is still unanswered. */
  readonly error: unknown
}

/** A hold is lost: `leasehold:hold.lost`. */
export interface HoldLostEvent extends HoldEvent {
  readonly cause: LossCause
  /** The reason of its signal. */
  readonly error: Error
}

/** A session at any moment. */
export interface SessionView {
  readonly id: string
  /** Time to its deadline in ms, computed from the clock when read. 0 if it is over. */
  readonly remainingMs: number
  /** `lost`: the store ended it, or did not confirm it in time. `closed`: the client ended it. */
  readonly status: 'open' | 'lost' | 'closed'
}

/** A session was opened: `leasehold:session.opened`. */
export interface SessionEvent extends ClientEvent {
  readonly session: SessionView
  readonly ttlMs: number
}

/** A session is lost, and with it all its holds: `leasehold:session.lost`. */
export interface SessionLostEvent extends SessionEvent {
  readonly cause: LossCause
  readonly error: Error
}

/** A renewal of a session: the context of `tracing:leasehold:renew:*`. */
export interface RenewEvent extends SessionEvent {
  /** Deadline minus now when the answer arrived, in ms, before it moved the deadline. Set at the end, if it was answered. */
  readonly slackMs?: number | undefined
  readonly error?: unknown
}

/**
 * A question to the store, from when it is sent: the context of `tracing:leasehold:request:*`. On the wire it may take
 * several requests, or none. Watches are no requests.
 */
export interface RequestEvent extends ClientEvent {
  readonly operation: Operation
  /** 0 for the first try, 1 for the first repetition. */
  readonly retry: number
  readonly error?: unknown
}

/** The questions to a store: methods of `Backend`. */
export type Operation =
  | 'createSession'
  | 'renewSession'
  | 'destroySession'
  | 'attempt'
  | 'withdraw'
  | 'shrink'
  | 'keep'
  | 'verify'
  | 'proclaim'
  | 'writeCheckpoint'
  | 'readCheckpoint'
  | 'checkpoints'
  | 'observe'
  | 'line'
  | 'survey'
  | 'break'
  | 'overtake'
  | 'announce'
  | 'retract'

/** This client learned of another leader: `leasehold:leader.changed`. */
export interface LeaderChangedEvent extends ClientEvent {
  readonly name: string
  /** Undefined if nobody leads or, after the end of an own term, if this client does not know. */
  readonly leader: { readonly value: string; readonly token: bigint; readonly session: string } | undefined
  /** Whether the leader is a candidate of this client. */
  readonly mine: boolean
  /** `candidate`: an own term began or ended. `observer`: an `observe` saw it. A client with both tells both. */
  readonly seenBy: 'candidate' | 'observer'
}

/**
 * The end of a tick on this host. `ran`: the job ended well. `failed`: it threw. `lost`: the lock was lost meanwhile, or the
 * job outlived its grace. `taken`, `over`, `busy`: see `TickResult`. `error`: it did not begin, since the store or the caller
 * ended it.
 */
export type TickOutcome = 'ran' | 'failed' | 'lost' | 'taken' | 'over' | 'busy' | 'error'

/** A tick of a cron job is over on this host: `leasehold:cron.tick`. */
export interface CronTickEvent extends ClientEvent {
  readonly name: string
  /** Its scheduled time, in ms since 1970. */
  readonly tickMs: number
  readonly outcome: TickOutcome
  /** The token of the hold, if the job was to run here. */
  readonly token?: bigint | undefined
  /** How long it took here, in ms: the job with its marks, or the wait for the lock if the job did not run. */
  readonly durationMs: number
  readonly error?: unknown
}

/** The plain channels by name, with what each publishes. */
export interface LeaseholdEvents {
  readonly 'leasehold:session.opened': SessionEvent
  readonly 'leasehold:session.lost': SessionLostEvent
  readonly 'leasehold:hold.near-loss': NearLossEvent
  readonly 'leasehold:hold.lost': HoldLostEvent
  readonly 'leasehold:leader.changed': LeaderChangedEvent
  readonly 'leasehold:cron.tick': CronTickEvent
}

/** The tracing channels by name, with the context of each. */
export interface LeaseholdTraces {
  readonly 'leasehold:acquire': AcquireEvent
  readonly 'leasehold:release': ReleaseEvent
  readonly 'leasehold:renew': RenewEvent
  readonly 'leasehold:request': RequestEvent
}

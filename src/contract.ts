// The contract between the locks and a store: types only. It lists everything that a store must be able to do; the one
// waiting loop (core/follow.ts) uses nothing else. A backend asks its store one question at a time. It does not wait
// for other holders, retry, or measure time.
import type { CatalogBackend } from './base/announcement.ts'
import type { Mark } from './base/clock.ts'
import type { Facts } from './base/facts.ts'
import type { GroupBackend } from './base/group.ts'
import type { KeepingBackend } from './base/keeping.ts'
import type { LeaderBackend } from './base/leader.ts'
import type { OperatorBackend } from './base/operator.ts'
import type { ReplacingBackend } from './base/replacing.ts'
import type { Source } from './base/source.ts'

export type { Announcement, CatalogBackend } from './base/announcement.ts'
export type { Facts } from './base/facts.ts'
export type { Check, Examination, ExamineOptions, Finding, Level } from './base/finding.ts'
export type { GroupBackend } from './base/group.ts'
export type { KeepingBackend, Kept } from './base/keeping.ts'
export type { Leader, LeaderBackend, Observation } from './base/leader.ts'
export type { NameState, OperatorBackend, Overtaking, Standing } from './base/operator.ts'
export type { ReplacingBackend } from './base/replacing.ts'
export type { Source } from './base/source.ts'
export type { StoreKey } from './base/store-key.ts'

/** A session as the store granted it. The store watches it to know that the client lives. */
export interface SessionGrant {
  readonly id: string
  /** The granted time to live. It may be longer than the one that was asked for. */
  readonly ttlMs: number
}

/** The result of a renewal: claims that ended although their session lives on. */
export interface Renewal {
  readonly lost: readonly Claim[]
  /** If other claims got no answer in time: each existed after this instant, from which the deadline counts. Ask again soon. */
  readonly since?: Mark
}

/** A request to hold. A repeated attempt must pass the same object: another object is another request. */
export interface Claim {
  /** Unique among the claims of its session. */
  readonly id: string
  readonly name: string
  readonly session: string
  /** The same for all claims of the name: 1 for a mutex, `sharedPermits` for a lock of readers and writers. */
  readonly permits: number
  /** How many permits it takes. It holds when the weights of all claims before it, and its own, fit into the permits. */
  weight: number
  /** The text about this claim that other clients may read while it stands. */
  readonly value: string
  /** Whether to stand in line if it is not admitted. If false, a refused claim leaves nothing in the store. */
  readonly wait: boolean
  /** Whether a candidate makes this claim: others read its value unchanged, and `observe` returns its token. */
  readonly candidate: boolean
  /** Set for a candidate that others may overtake: a whole number from 0. The store shows it while the claim waits. */
  readonly priority?: number | undefined
}

/**
 * The store's answer to a claim: plain data that can be printed. A backend may add fields of its own that `changed`
 * needs, such as the revision that it has read.
 */
export type Attempt = Admitted | Waiting

/** The claim holds, and one and the same state of the store showed that it was admitted and stands. */
export interface Admitted {
  readonly held: true
  /** Larger than the token of every earlier holder of the name; for a candidate, of every earlier leader. */
  readonly token: bigint
}

/** The claim does not hold. With `wait` it stands in line. */
export interface Waiting {
  readonly held: false
  /** The number of claims between this one and the lock, at least 1, as far as the store showed. */
  readonly ahead: number
  /** Identifies the claim in the way, if another claim can take its place while `ahead` stays the same. */
  readonly behind?: string | undefined
  /** If true, nobody holds, but no claim is admitted for up to `lockDelayMs`, and no event tells when that is over: ask now and then. */
  readonly delayed?: boolean
}

/**
 * A store. Every method may reject with UnavailableError (a repeated call may succeed; the request may have been applied), and with
 * RefusedError or ConflictError (a repeated call is pointless). Methods about a session or claim may reject with SessionGoneError. When
 * `signal` aborts, a method rejects with its reason at once, and the request may have been applied.
 */
export interface Backend
  extends LeaderBackend,
    OperatorBackend,
    Partial<CatalogBackend & GroupBackend<Claim, Attempt> & KeepingBackend<Claim>>,
    Partial<ReplacingBackend<Claim, Attempt>> {
  readonly facts: Facts
  /** Opens a session. The store ends it if it is not renewed for `ttlMs`. */
  createSession(ttlMs: number, signal: AbortSignal): Promise<SessionGrant>
  /**
   * Restarts the session's time to live. If the store `endsEarly`, it resolves only if the session existed after this call began, and
   * with it all its claims except those in the result. Rejects with SessionGoneError if the store no longer knows the session.
   */
  renewSession(session: string, signal: AbortSignal): Promise<Renewal>
  /** Ends the session and everything that it holds. Idempotent. */
  destroySession(session: string, signal: AbortSignal): Promise<void>
  /**
   * Asks once whether the claim holds; puts it in line if it has `wait`. Idempotent for one claim: a claim that was admitted before and
   * still stands is admitted again, by a consistent read. A claim that was removed starts anew.
   */
  attempt(claim: Claim, signal: AbortSignal): Promise<Attempt>
  /**
   * Resolves when this answer to the claim may have changed: possibly too early, never too late. `answer` is the last one that this
   * backend gave for the claim, and no other wait for the claim is under way. If the event itself proves the new answer, resolves with
   * that answer, which saves a request. A failure to watch counts as a change, so it rejects only with `signal.reason`. If a claim that
   * holds was removed before this call, it may not resolve: call `verify` after it.
   */
  changed(claim: Claim, answer: Attempt, signal: AbortSignal): Promise<Attempt | undefined>
  /**
   * Removes the claim from the line and the lock, even if an unanswered attempt arrives later. Idempotent; never touches another claim;
   * sends no request if the claim cannot be in the store.
   */
  withdraw(claim: Claim, signal: AbortSignal): Promise<void>
  /**
   * Makes an admitted claim as light in the store as `claim.weight`, which the caller has just made smaller. It keeps its place, and
   * others are admitted to the rest. A writer can only become a reader. Idempotent. Returns as `verify` does.
   */
  shrink(claim: Claim, signal: AbortSignal): Promise<boolean>
  /** Whether an admitted claim still stands with its whole weight, by a consistent read. */
  verify(claim: Claim, signal: AbortSignal): Promise<boolean>
  /** Replaces the value of an admitted claim if it still stands, and returns whether it does. */
  proclaim(claim: Claim, value: string, signal: AbortSignal): Promise<boolean>
  /** Stores `text` for the name if the admitted claim still stands, and returns whether it does. */
  writeCheckpoint(claim: Claim, text: string, signal: AbortSignal): Promise<boolean>
  /** Closes connections and files. The caller has destroyed its sessions before. */
  close(): Promise<void>
}

/** How a client reaches a store: `leasehold/etcd` and its siblings make this from their options. */
export type BackendSource = Source<Backend>

// The contract between the locks and a store: types only. Everything a store has to be able to do is here, and
// the one waiting loop (core/follow.ts) works with nothing else. A backend asks its store one question at a time; it
// does not wait for other holders, retry, or keep time.
import type { Clock } from './base/clock.ts'
import type { Facts } from './base/facts.ts'

export type { Facts } from './base/facts.ts'

/** What the store watches to know that a client lives. */
export interface SessionGrant {
  readonly id: string
  /** The time to live that the store granted, which may be longer than asked. */
  readonly ttlMs: number
}

/** What a renewal found out: claims that ended although their session lives on. */
export interface Renewal {
  readonly lost: readonly Claim[]
}

/** A request to hold. The object is the identity: the same claim asked again is the same request. */
export interface Claim {
  /** Unique among the claims of its session. */
  readonly id: string
  readonly name: string
  readonly session: string
  /** How many may hold the name at once: 1 for a mutex, the permits of a semaphore. */
  readonly permits: number
  /** What others may read about this claim while it stands. */
  readonly value: string
  /** Whether the claim stands in line when it is not admitted. If not, a refusal leaves nothing in the store. */
  readonly wait: boolean
  /** Whether it is a candidate's: its value is for others to read as it is, and its token is what `observe` tells. */
  readonly candidate: boolean
}

/**
 * The store's answer to a claim. It is plain data that can be printed. A backend may add fields of its own, such as the
 * revision that it has read, for `changed` to start from.
 */
export type Attempt = Admitted | Waiting

/** The claim holds, and was seen standing in the same state of the store that admitted it. */
export interface Admitted {
  readonly held: true
  /** Larger than the token of every earlier holder of the name, of candidates that of every earlier leader. */
  readonly token: bigint
}

/** The claim does not hold. With `wait` it stands in line. */
export interface Waiting {
  readonly held: false
  /** How many claims stand between this one and the lock, at least 1, as far as the store told. */
  readonly ahead: number
  /** Who stands in the way, where `ahead` alone does not show that somebody else does now: after that news, ask at once. */
  readonly behind?: string | undefined
  /**
   * Nobody holds, but the store keeps the lock from everyone for `lockDelayMs`, and tells nobody when that is over:
   * instead of waiting for a change, ask again now and then.
   */
  readonly delayed?: boolean
}

/** Who holds a name that has one holder, as everybody can see. */
export interface Leader {
  /** What the holder says about itself: an election's candidate decides, and `proclaim` changes it. */
  readonly value: string
  /** The token of its term: the same as `term.token` has there. */
  readonly token: bigint
  /** The session of the holder, as the store calls it. */
  readonly session: string
}

/** What an observer of a name saw: plain data, to which a backend may add fields of its own, as to an `Attempt`. */
export interface Observation {
  /** Undefined where nobody holds. */
  readonly leader: Leader | undefined
}

/** One claim as it stands in the store, ours or another client's. */
export interface Standing {
  readonly session: string
  readonly held: boolean
  readonly value: string
  /**
   * What everybody can see of its place, and what `break` asks for: no other claim on the name has or had it. For a
   * holder of ours it is the token of its hold, except where the store does not show that: a mutex on etcd has here
   * the create revision of its key, which is at most `hold.token`, the revision at which it was admitted.
   */
  readonly token: bigint
  /** How long the store goes on without a renewal, in ms: for holders in a survey, where the store tells. */
  readonly ttlLeftMs?: number | undefined
}

/** A name on which claims stand. */
export interface NameState {
  readonly name: string
  /** How many may hold at once; undefined where only claims stand that do not tell. */
  readonly permits: number | undefined
  /** Holders first, then waiters in order. */
  readonly claims: readonly Standing[]
}

/**
 * A store. Every method may reject with UnavailableError (asked again, it may succeed; whether it was applied is
 * unknown), RefusedError or ConflictError (asking again is pointless), and those about a session or claim with
 * SessionGoneError. When `signal` aborts, a method rejects with its reason at once, and whether it was
 * applied is unknown.
 */
export interface Backend {
  readonly facts: Facts
  /** Opens a session that the store ends by itself when it was not renewed for `ttlMs`. */
  createSession(ttlMs: number, signal: AbortSignal): Promise<SessionGrant>
  /**
   * Starts the time to live anew. Where the store `endsEarly`, it resolves only if the session was there after this call
   * began, and what its claims stand on, but for those it names. Rejects with SessionGoneError when it is gone.
   */
  renewSession(session: string, signal: AbortSignal): Promise<Renewal>
  /** Ends the session and whatever it still holds. Idempotent. */
  destroySession(session: string, signal: AbortSignal): Promise<void>
  /**
   * Asks once whether the claim holds, and puts it in line if it should wait. Idempotent for one claim: one that was
   * admitted before is admitted again if it still stands, by a read that no stale member of the store can answer, and
   * otherwise it begins anew.
   */
  attempt(claim: Claim, signal: AbortSignal): Promise<Attempt>
  /**
   * Resolves when this answer to the claim may have changed: it may be early, it must not be late. `answer` is the last
   * one that this backend gave for the claim, and no other wait for it is under way. Where the event that woke it proves
   * the new answer, it resolves with that, which saves asking. Every failure to watch counts as a change: it rejects
   * only with `signal.reason`. A claim that holds and was removed before this call may go untold: `verify` after it.
   */
  changed(claim: Claim, answer: Attempt, signal: AbortSignal): Promise<Attempt | undefined>
  /**
   * Takes the claim out of the line or the lock, also where an unanswered attempt arrives only later. Idempotent;
   * never touches another claim; costs nothing when nothing of the claim can stand.
   */
  withdraw(claim: Claim, signal: AbortSignal): Promise<void>
  /** Whether an admitted claim still stands, by a read that no stale member of the store can answer. */
  verify(claim: Claim, signal: AbortSignal): Promise<boolean>
  /** Replaces what others read about an admitted claim, if it still stands, and says whether it does. */
  proclaim(claim: Claim, value: string, signal: AbortSignal): Promise<boolean>
  /** Who holds the name now, by a read that no stale member of the store can answer. Leaves nothing in the store. */
  observe(name: string, signal: AbortSignal): Promise<Observation>
  /** Resolves when another leader, value or none may have followed this observation of the name. The rest is as `changed`. */
  leaderChanged(name: string, seen: Observation, signal: AbortSignal): Promise<Observation | undefined>
  /** The claims on a name: holders first, then waiters in order. */
  line(name: string, signal: AbortSignal): Promise<Standing[]>
  /** All names that begin with `prefix` and on which claims stand, sorted as strings, by reads that are not stale. */
  survey(prefix: string, signal: AbortSignal): Promise<NameState[]>
  /**
   * Takes away the claim that holds the name with this token, in one step that touches no other claim, and says
   * whether it did: false where no such claim holds. Its holder is told as of any loss, by its watch.
   */
  break(name: string, token: bigint, signal: AbortSignal): Promise<boolean>
  /** Stores `text` for the name if the admitted claim still stands, and says whether it did. */
  writeCheckpoint(claim: Claim, text: string, signal: AbortSignal): Promise<boolean>
  /** What the last holder stored for the name. */
  readCheckpoint(name: string, signal: AbortSignal): Promise<string | undefined>
  /** Closes connections and files. Sessions are destroyed before. */
  close(): Promise<void>
}

/** Where a store is and how to reach it: what `leasehold/etcd` and its siblings make out of their options. */
export interface BackendSource {
  /** The store for people to read, without secrets: what `LEASEHOLD_URL` would say. */
  readonly url: string
  /** Loads the client library and opens the store. `ttlMs` is what sessions will have to live, where the caller says so. */
  open(clock: Clock, ttlMs?: number): Promise<Backend>
}

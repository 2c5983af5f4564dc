// The type that describes how stores differ. src/contract.ts exports it.

/** The differences between stores, as data. Shared code reads these; it never asks which store it has. */
export interface Facts {
  /** The scheme of the store's URL, for messages: `etcd`, `file`, … */
  readonly scheme: string
  /** The session times to live that the store accepts, and the one that is used by default. */
  readonly ttlMs: { readonly min: number; readonly max: number; readonly default: number }
  /** Whether waiters hold in the order in which they came. */
  readonly fair: boolean
  /** How long nobody can hold a lock after the session of its holder ended without a release. */
  readonly lockDelayMs: number
  /**
   * Whether the store may end a session at any moment, for any reason. Then only `lockDelayMs` keeps the next holder
   * out. So a client counts as the holder for less than that time after the store last confirmed its session.
   */
  readonly endsEarly: boolean
  /** How long the store may be silent while it elects a leader. 0 if renewals at the usual times outlive that. */
  readonly electionMs: number
  /** Whether a client's locks are free as soon as its process dies, and not only after the time to live. */
  readonly freesOnCrash: boolean
  /** Whether every method resolves at once: then no request can hang, and requests have no time limit. */
  readonly answersAtOnce: boolean
  /** Whether each answer takes a turn of the event loop, as over a network: then a loop of requests keeps no timer waiting. */
  readonly answersLater?: boolean
  /** Whether a method that has settled uses its signal no more, but for listeners still on it: then the next request gets it. */
  readonly leavesSignals?: boolean
  /** If the store nearly always answers at once: a request with this signal must not wait. If it would, it rejects with `refusal`, and is asked again. */
  readonly atOnce?: { readonly signal: AbortSignal; readonly refusal: Error }
  /** Whether one request, the end of a session, frees all its claims and tells all that wait: then `close` sends no other. */
  readonly endFreesAll?: boolean
  /** How many requests of a client, besides renewals, may be under way. Others wait, and their time begins when they are sent. */
  readonly requestsAtOnce?: number
  /** Whether the store has a catalog of services, in which a leader can be announced. */
  readonly catalog?: boolean
  /** For how long a name can stay taken after its release; undefined if it cannot. */
  readonly keepMs?: { readonly min: number; readonly max: number }
  /** How many claims one request can admit, all or none: see `attemptAll` of the contract. Undefined if it admits one claim. */
  readonly groupMax?: number
  /** The most permits of a semaphore that one claim can take; undefined if there is no limit. */
  readonly weightMax?: number
  /** Whether a name of `cohortPermits` keeps that form after its last claim, so that a mutex can have `handoff`. */
  readonly handoff?: boolean
  /** The largest checkpoint in bytes of UTF-8. */
  readonly checkpointBytesMax: number
  /** The largest value of an election's leader in bytes of UTF-8. */
  readonly valueBytesMax: number
}

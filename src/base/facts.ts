// How stores differ: types only, which src/contract.ts passes on. Every difference that shared code has to know of is here.

/** How stores differ, as data. Shared code reads these; it never asks which store it has. */
export interface Facts {
  /** The scheme of the store's URL, for messages: `etcd`, `file`, … */
  readonly scheme: string
  /** What the store accepts as time to live of a session, and what it gets when nobody says. */
  readonly ttlMs: { readonly min: number; readonly max: number; readonly default: number }
  /** Whether waiters hold in the order in which they came. */
  readonly fair: boolean
  /** How long the store keeps a lock from everyone after its holder's session ended without a release. */
  readonly lockDelayMs: number
  /**
   * Whether the store may end a session at any moment, for whatever reason. Then only `lockDelayMs` keeps its locks from
   * the next holder, and a client believes for less than that after the store has last confirmed its session.
   */
  readonly endsEarly: boolean
  /** How long the store may answer nobody while it elects a leader, if holds are to outlive that; otherwise 0. */
  readonly electionMs: number
  /** Whether a client's locks are free as soon as its process is gone, rather than after the time to live. */
  readonly freesOnCrash: boolean
  /** Whether each question is answered before its method returns: then none can hang, and none needs a time limit. */
  readonly answersAtOnce: boolean
  /** The largest checkpoint in bytes of UTF-8. */
  readonly checkpointBytesMax: number
  /** The largest value of an election's leader in bytes of UTF-8. */
  readonly valueBytesMax: number
}

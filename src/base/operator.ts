// The part of the contract that shows names to operators, and lets them remove the claims of other clients: types only.
// src/contract.ts exports them.

/** One claim in the store, ours or another client's. */
export interface Standing {
  readonly session: string
  readonly held: boolean
  readonly value: string
  /** How many permits it takes, if that is not 1. */
  readonly weight?: number | undefined
  /**
   * The token that every client can see and that `break` takes. No other claim on the name has or had it. For our own
   * hold it is `hold.token`, unless the store does not show that one: a mutex on etcd has the create revision of its
   * key here, which is at most `hold.token` (the revision of its admission).
   */
  readonly token: bigint
  /** The key in the store, if an unknown program wrote it, so that an operator can find it. */
  readonly key?: string | undefined
  /** The priority of the claim if it has one. Not every store shows that of a holder. */
  readonly priority?: number | undefined
  /** How long the session lives without a renewal, in ms. Only for holders in a survey, on stores that show it. */
  readonly ttlLeftMs?: number | undefined
}

/**
 * The claims of one `overtake`, by token: the `holder`; the `target`, which moves forward; and the `waiting` claims ahead
 * of the target that are removed for it. Each of the latter must have a priority.
 */
export interface Overtaking extends Readonly<Record<'holder' | 'target', bigint>> {
  readonly waiting: readonly bigint[]
}

/** A name that has claims. */
export interface NameState {
  readonly name: string
  /** The permits of the claims. Undefined if no claim on the name shows it. */
  readonly permits: number | undefined
  /** Holders first, then waiters in order. */
  readonly claims: readonly Standing[]
}

/** The questions about names that a client needs no claim for. Every method rejects as those of Backend do. */
export interface OperatorBackend {
  /** The claims on a name: holders first, then waiters in order. */
  line(name: string, signal: AbortSignal): Promise<Standing[]>
  /** All names that begin with `prefix` and have claims, sorted as strings, by consistent reads. */
  survey(prefix: string, signal: AbortSignal): Promise<NameState[]>
  /**
   * Removes the claim that holds the name with this token, in one step that touches no other claim. Returns whether it
   * did: false if no such claim holds. Its holder learns of it through its watch, as of every loss.
   */
  break(name: string, token: bigint, signal: AbortSignal): Promise<boolean>
  /** Removes up to 50 waiting claims in one step, if all claims are still in their places. Returns whether it did. */
  overtake(name: string, overtaking: Overtaking, signal: AbortSignal): Promise<boolean>
  /** The text that a holder stored last for the name. */
  readCheckpoint(name: string, signal: AbortSignal): Promise<string | undefined>
  /** The checkpoints of all names that begin with `prefix`, by name in any order, by consistent reads. */
  checkpoints(prefix: string, signal: AbortSignal): Promise<Map<string, string>>
}

// A leader as other clients see it: types only, as a part of src/contract.ts, which exports them.

/** The holder of a name that has at most one, as every client can see it. */
export interface Leader {
  /** The text that the holder published. A candidate chooses it, and `proclaim` changes it. */
  readonly value: string
  /** The token of the holder's term: the same as its `term.token`. */
  readonly token: bigint
  /** The store's id of the holder's session. */
  readonly session: string
}

/** The result of one look at a name: plain data. A backend may add fields of its own, as to an `Attempt`. */
export interface Observation {
  /** Undefined if nobody holds. */
  readonly leader: Leader | undefined
}

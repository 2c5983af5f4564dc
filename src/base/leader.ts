// The part of the contract that shows leaders to other clients: types only. src/contract.ts exports them.

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

/** The questions about a leader. They reject as the methods of Backend do. */
export interface LeaderBackend {
  /** The present holder of the name, by a consistent read. Leaves nothing in the store. */
  observe(name: string, signal: AbortSignal): Promise<Observation>
  /** Resolves when the leader or its value may differ from `seen`. Otherwise the same as `changed`. */
  leaderChanged(name: string, seen: Observation, signal: AbortSignal): Promise<Observation | undefined>
}

// How long a caller asks the store, the same for every question that takes one request. Types only.

/** How long to ask the store. */
export interface AskOptions {
  /** When it aborts, the question rejects with its reason. The store may or may not have applied the request. */
  readonly signal?: AbortSignal | undefined
  /**
   * Gives up after this many ms with an UnavailableError. Without it a store that does not answer is asked nine times, for
   * up to 3 s each.
   */
  readonly timeoutMs?: number | undefined
}

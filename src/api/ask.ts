// How long a caller asks the store, the same for every question that takes one request. Types only.

/** How long to ask the store. */
export interface AskOptions {
  /** Gives up when it aborts, with its reason. Whether the store applied the request is unknown then. */
  readonly signal?: AbortSignal | undefined
  /**
   * Gives up after so many ms with an UnavailableError. Without it a store that does not answer is asked nine times, for
   * up to 3 s each.
   */
  readonly timeoutMs?: number | undefined
}

// The part of the contract for a claim that takes the place of another in one request: types only. src/contract.ts exports
// them. `C` is a claim, and `A` the answer to it.

/** The thing that only some stores can do: one request in place of two. */
export interface ReplacingBackend<C, A> {
  /**
   * Does `withdraw(old)` and then `attempt(next)`, in one request if it can. Both are claims of one session for one name, and
   * both are mutexes. `next` stands at the end of the line, and holds at once only if nobody else stands in it. Rejects as
   * these two do; then either may have been done. Idempotent, and so are the two after it.
   */
  replace(old: C, next: C, signal: AbortSignal): Promise<A>
}

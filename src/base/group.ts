// The part of the contract for several claims that are admitted together: types only. src/contract.ts exports them. `C` is a
// claim, and `A` the answer to one.

/**
 * The questions about a group: claims of one session on different names, each of one permit, none of which stands in line. At
 * most `facts.groupMax`.
 */
export interface GroupBackend<C, A> {
  /**
   * Asks once whether all claims hold. One state of the store admits all of them, with one token, which is larger than that of
   * every earlier holder of each name. Otherwise none of them is admitted, and none is left in the store, unless another
   * client has removed a part of them since. Idempotent, and rejects, as `attempt` does.
   */
  attemptAll(claims: readonly C[], signal: AbortSignal): Promise<A>
  /** `withdraw` of each claim, in one request if all of them stand as they were admitted. */
  withdrawAll(claims: readonly C[], signal: AbortSignal): Promise<void>
}

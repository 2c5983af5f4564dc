// The part of the contract for a claim that outlives its client: types only. src/contract.ts exports them. `C` is a claim.
import type { StoreKey } from './store-key.ts'

/** How long a claim is kept, and the text that it shows from then on. */
export interface Kept {
  readonly ms: number
  readonly value: string
}

/** The things that only some stores can do with an admitted claim. */
export interface KeepingBackend<C> {
  /**
   * Lets the claim stand for `ms` from now, whatever its session does; then the store removes it as if it had been released. It
   * keeps its place and its weight, and `break` removes it earlier. The store measures the time, and may keep the claim longer
   * as far as its facts say. Idempotent; a repeated call begins the time anew. Resolves with whether the claim stood. From then on `withdraw`
   * sends nothing.
   */
  keep(claim: C, kept: Kept, signal: AbortSignal): Promise<boolean>
  /** The key by which the claim holds. Sends no request. Left out by stores without transactions for callers. */
  key(claim: C): StoreKey | undefined
}

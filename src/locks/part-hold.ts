// A hold that can give back a part of its permits: of a semaphore, or of a writer that becomes a reader. Owns the order of
// that: first the claim, then the store, then the callers of this client.
import type { AskOptions } from '../api/ask.ts'
import { askOptions, checkOptions } from '../core/arguments.ts'
import { ClaimHold, type Grant } from '../core/hold.ts'

/** A hold of one or more permits. */
export class PartHold extends ClaimHold {
  readonly #grant: Grant

  constructor(grant: Grant) {
    super(grant)
    this.#grant = grant
  }

  /** How many permits it has. */
  protected get weight(): number {
    return this.#grant.claim.weight
  }

  /**
   * Gives back all permits but so many. Costs one request. Rejects as `checkpoint` does. The claim is lighter at once, since
   * a request without an answer may have been applied.
   */
  protected async lighten(weight: number, options: AskOptions): Promise<void> {
    checkOptions(options, askOptions)
    this.assertHeld()
    const { backend, claim, keep } = this.#grant
    claim.weight = weight
    await this.write(options, (signal) => backend.shrink(claim, signal))
    keep(weight)
  }
}

// A hold that can give back some of its permits: a hold of a semaphore, or a writer that becomes a reader. Owns the order
// of the steps: the claim gets its new weight, then the store, and then other callers of this client get the permits.
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

  /**
   * Gives back permits until `weight` are left. Costs one request. Rejects as `checkpoint` does. The claim has its new
   * weight before the request is sent, since a request without an answer may have been applied. So after a failure the store
   * is asked again in the background: otherwise it might keep permits that this hold no longer counts.
   */
  protected async lighten(weight: number, options: AskOptions): Promise<void> {
    checkOptions(options, askOptions)
    this.assertHeld()
    this.#grant.claim.weight = weight
    try {
      await this.#giveBack(weight, options)
    } catch (error) {
      if (this.held) this.#giveBack(weight, {}).catch(() => {}) // the end of the hold gives back the rest
      throw error
    }
  }

  async #giveBack(weight: number, options: AskOptions): Promise<void> {
    const { backend, claim } = this.#grant
    await this.write(options, 'shrink', (signal) => backend.shrink(claim, signal))
    this.#grant.keep(weight)
  }
}

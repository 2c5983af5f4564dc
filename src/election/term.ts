// One term of a leader: a hold with a value that others read. Owns what it adds to a hold, nothing of how it was won.

import type { Term } from '../api/election.ts'
import { quoted } from '../base/printable.ts'
import { checkValue } from '../core/arguments.ts'
import { ClaimHold, type Grant } from '../core/hold.ts'

/** A term of a candidate of ours: see Term for its promises. */
export class ClaimTerm extends ClaimHold implements Term {
  readonly #grant: Grant

  constructor(grant: Grant) {
    super(grant)
    this.#grant = grant
  }

  async proclaim(value: string): Promise<void> {
    const { backend, claim } = this.#grant
    checkValue(value, backend.facts)
    return this.write((signal) => backend.proclaim(claim, value, signal))
  }

  resign(): Promise<void> {
    return this.release()
  }

  override release(): Promise<void> {
    this.stop(new DOMException(`the term of ${quoted(this.name)} was resigned`, 'AbortError'))
    return super.release()
  }
}

// One term of a leader: a hold with a value that other clients read. Owns only what a term adds to a hold.
import type { Term } from '../api/election.ts'
import { quoted } from '../base/printable.ts'
import { checkValue } from '../core/arguments.ts'
import { ClaimHold, type Grant } from '../core/hold.ts'

/** A term of this client's candidate. Its promises are in the interface Term. */
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

// One term of a leader: a hold with a value that others read. Owns what it adds to a hold, nothing of how it was won.
import { checkValue } from '../core/arguments.ts'
import { type Grant, Hold } from '../core/hold.ts'

/**
 * Leadership, held. It is a Hold: `token`, `held`, `assertHeld`, `verify` and `checkpoint` are those of a lock. Its
 * `signal` aborts when it is time to stop for whatever reason: the term was lost (a HoldLostError), it was resigned, or,
 * under `lead`, the caller wants an end.
 */
export class Term extends Hold {
  readonly #grant: Grant

  constructor(grant: Grant) {
    super(grant)
    this.#grant = grant
  }

  /**
   * Replaces the value that `leader` and `observe` tell. The store refuses it unless this term still stands; of two
   * calls the later one stays. Costs one request. Throws HoldLostError when refused or after the end of the term,
   * TypeError or RangeError for a bad value, UnavailableError if the store did not answer.
   */
  async proclaim(value: string): Promise<void> {
    const { backend, claim } = this.#grant
    checkValue(value, backend.facts)
    return this.write((signal) => backend.proclaim(claim, value, signal))
  }

  /**
   * Gives leadership back, and the next candidate leads after one more event. End what the term protects before: from
   * here on `held` is false and `signal` is aborted. Otherwise it is as `release` of a hold, and the same.
   */
  resign(): Promise<void> {
    return this.release()
  }

  override release(): Promise<void> {
    this.stop(new DOMException(`the term of ${JSON.stringify(this.name)} was resigned`, 'AbortError'))
    return super.release()
  }
}

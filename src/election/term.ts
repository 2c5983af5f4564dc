// One term of a leader: a hold with a value that others read. Owns what a term adds to a hold; election.ts campaigns
// for it.
import type { AskOptions } from '../api/ask.ts'
import type { LedTerm, StepDownOptions, Term } from '../api/election.ts'
import { quoted } from '../base/printable.ts'
import { askOptions, checkOptions, checkValue, stepDownOptions } from '../core/arguments.ts'
import { ClaimHold, type Grant } from '../core/hold.ts'

/** A term of this client's candidate. Its promises are in the interface Term. */
export class ClaimTerm extends ClaimHold implements Term {
  readonly #grant: Grant

  constructor(grant: Grant) {
    super(grant)
    this.#grant = grant
  }

  get stopping(): boolean {
    return this.signal.aborted
  }

  async proclaim(value: string, options: AskOptions = {}): Promise<void> {
    const { backend, claim } = this.#grant
    this.checkValue(value)
    checkOptions(options, askOptions)
    return this.write(options, (signal) => backend.proclaim(claim, value, signal))
  }

  /** Throws unless the store takes the value. */
  checkValue(value: string): void {
    checkValue(value, this.#grant.backend.facts)
  }

  resign(): Promise<void> {
    return this.release()
  }

  /** Aborts the signal with `reason`, while the term still stands. */
  askToStop(reason: unknown): void {
    this.stop(reason)
  }

  override release(): Promise<void> {
    this.stop(new DOMException(`the term of ${quoted(this.name)} was resigned`, 'AbortError'))
    return super.release()
  }
}

/** The requests of a leader's work to `lead`. */
export interface Wishes {
  /** The work wants to end the term, and not to stand for election again for `awayMs`. */
  stepDown(awayMs: number): void
  /** The work has a new value, which later terms begin with. */
  proclaimed(value: string): void
}

/** The term that the work under `lead` gets. It cannot end the term: `lead` does that in order. */
export class WorkTerm implements LedTerm {
  readonly #term: ClaimTerm
  readonly #wishes: Wishes

  constructor(term: ClaimTerm, wishes: Wishes) {
    this.#term = term
    this.#wishes = wishes
  }

  get token(): bigint {
    return this.#term.token
  }

  get name(): string {
    return this.#term.name
  }

  get held(): boolean {
    return this.#term.held
  }

  get remainingMs(): number {
    return this.#term.remainingMs
  }

  get signal(): AbortSignal {
    return this.#term.signal
  }

  get stopping(): boolean {
    return this.#term.stopping
  }

  signalWith(...signals: AbortSignal[]): AbortSignal {
    return this.#term.signalWith(...signals)
  }

  assertHeld(minMs?: number): void {
    this.#term.assertHeld(minMs)
  }

  verify(options?: AskOptions): Promise<void> {
    return this.#term.verify(options)
  }

  checkpoint(text: string, options?: AskOptions): Promise<void> {
    return this.#term.checkpoint(text, options)
  }

  async proclaim(value: string, options?: AskOptions): Promise<void> {
    this.#term.checkValue(value)
    this.#wishes.proclaimed(value)
    return this.#term.proclaim(value, options)
  }

  stepDown(options: StepDownOptions = {}): void {
    checkOptions(options, stepDownOptions)
    this.#wishes.stepDown(options.awayMs ?? 0)
    this.#term.askToStop(new DOMException(`the leader of ${quoted(this.name)} steps down`, 'AbortError'))
  }
}

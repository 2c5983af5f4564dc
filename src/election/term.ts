// One term of a leader: a hold with a value that others read. Owns what a term adds to a hold; election.ts campaigns
// for it.
import type { AskOptions } from '../api/ask.ts'
import type { ReleaseOptions } from '../api/hold.ts'
import type { LedTerm, StepDownOptions, Term } from '../api/term.ts'
import { UnavailableError } from '../base/errors.ts'
import { quoted } from '../base/printable.ts'
import { askOptions, checkCandidate, checkOptions, checkValue, stepDownOptions } from '../core/arguments.ts'
import { ClaimHold, type Grant } from '../core/hold.ts'
import { keptMs } from '../core/keeping.ts'
import { wayTo } from './precedence.ts'

/** A term of this client's candidate. Its promises are in the interface Term. */
export class ClaimTerm extends ClaimHold implements Term {
  readonly session: string
  readonly #grant: Grant
  #value: string

  constructor(grant: Grant) {
    super(grant)
    this.#grant = grant
    this.session = grant.claim.session
    this.#value = grant.claim.value
  }

  get value(): string {
    return this.#value
  }

  get stopping(): boolean {
    return this.signal.aborted
  }

  async proclaim(value: string, options: AskOptions = {}): Promise<void> {
    const { backend, claim } = this.#grant
    this.checkValue(value)
    checkOptions(options, askOptions)
    await this.write(options, 'proclaim', (signal) => backend.proclaim(claim, value, signal))
    this.#value = value
  }

  async handOver(to: string, options: AskOptions = {}): Promise<void> {
    await this.makeNext(to, options)
    return this.resign()
  }

  /** Overtakes the candidates before this one, so that it leads next. Rejects as `handOver` does. */
  async makeNext(to: string, options: AskOptions): Promise<void> {
    checkCandidate(to)
    checkOptions(options, askOptions)
    this.assertHeld()
    return this.ask(options, 'overtake', (signal) => this.#clearTheWay(to, signal))
  }

  async #clearTheWay(to: string, signal: AbortSignal): Promise<void> {
    const { backend } = this.#grant
    for (;;) {
      const way = wayTo(await backend.line(this.name, signal), this.name, to)
      if (!way) return
      if (await backend.overtake(this.name, way, signal)) continue
      throw new UnavailableError(`the line of ${quoted(this.name)} changed meanwhile; ask again`)
    }
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

  override async release(options: ReleaseOptions = {}): Promise<void> {
    keptMs(this.#grant, options) // throws for `afterMs`: a term cannot stay taken
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

  get value(): string {
    return this.#term.value
  }

  get session(): string {
    return this.#term.session
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

  async handOver(to: string, options: AskOptions = {}): Promise<void> {
    await this.#term.makeNext(to, options)
    this.stepDown()
  }

  stepDown(options: StepDownOptions = {}): void {
    checkOptions(options, stepDownOptions)
    this.#wishes.stepDown(options.awayMs ?? 0)
    this.#term.askToStop(new DOMException(`the leader of ${quoted(this.name)} steps down`, 'AbortError'))
  }
}

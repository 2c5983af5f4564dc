// The way of a candidate to its next term. Owns the decision whether the candidate may stand in line now. It leaves the line
// while it is not eligible, and while it makes room for others.
import type { CandidateValue, LeadOptions } from '../api/election.ts'
import { type Clock, pause } from '../base/clock.ts'
import { type Ending, Scope } from '../base/scope.ts'
import { backoffMs } from '../core/request.ts'
import type { ClaimTerm } from './term.ts'

/** How often a candidate is asked whether it is eligible, in ms. */
const askMs = 1_000

/** The reason that ends a campaign when the candidate leaves the line. */
const leaves: unique symbol = Symbol('leaves the line')

/** One campaign of `lead`. */
export interface Round {
  readonly value: CandidateValue | undefined
  readonly signal: AbortSignal
  /** Called when the store has put the candidate in line. */
  readonly onStanding: () => void
}

/** The parts that a candidate uses. */
export interface EntryClient {
  readonly clock: Clock
  /** Its end ends everything. */
  readonly scope: Scope
  /** Ends when the candidate has to make room for others. */
  readonly draining: Ending
  readonly eligible: LeadOptions['eligible']
  campaign(round: Round): Promise<ClaimTerm>
  tryCampaign(round: Omit<Round, 'onStanding'>): Promise<ClaimTerm | undefined>
  /** Resolves when nobody leads. */
  untilVacant(signal: AbortSignal): Promise<void>
  tell(error: unknown): Promise<void>
}

/** A candidate of `lead`. */
export class Entry {
  readonly #client: EntryClient
  #told = ''

  constructor(client: EntryClient) {
    this.#client = client
  }

  /** Resolves with a term, or with undefined if the candidate had to leave the line. Rejects as a campaign does. */
  async term(value: CandidateValue | undefined, onStanding: () => void): Promise<ClaimTerm | undefined> {
    await this.#untilEligible()
    return this.#client.draining.ended ? this.#asReserve(value) : this.#inLine(value, onStanding)
  }

  async #inLine(value: CandidateValue | undefined, onStanding: () => void): Promise<ClaimTerm | undefined> {
    const { campaign, draining, scope: outer } = this.#client
    const scope = new Scope().on(outer)
    const forget = draining.onEnd(() => scope.end(leaves))
    let hasWaited = false
    const stands = (): void => {
      if (!hasWaited) this.#leaveOnceUnfit(scope).catch((error) => scope.end(error))
      hasWaited = true
      onStanding()
    }
    try {
      const term = await campaign({ value, signal: scope.signal, onStanding: stands })
      return hasWaited ? await this.#ifStillEligible(term) : term
    } catch (error) {
      if (error === leaves) return undefined
      throw error
    } finally {
      forget()
      scope.end(leaves)
      scope.detach()
    }
  }

  /** Does not stand in line: leads only if no other candidate leads or waits. */
  async #asReserve(value: CandidateValue | undefined): Promise<ClaimTerm | undefined> {
    const { clock, scope, tryCampaign, untilVacant } = this.#client
    for (let tries = 1; ; tries += 1) {
      await untilVacant(scope.signal)
      const term = (await this.#isEligible()) && (await tryCampaign({ value, signal: scope.signal }))
      if (term) return term
      await pause(clock, backoffMs(clock, tries), scope.signal)
    }
  }

  /** Its turn may come long after it was asked last. */
  async #ifStillEligible(term: ClaimTerm): Promise<ClaimTerm | undefined> {
    if (await this.#isEligible()) return term
    await term.resign()
    return undefined
  }

  async #untilEligible(): Promise<void> {
    const { clock, scope } = this.#client
    while (!(await this.#isEligible())) await pause(clock, askMs, scope.signal)
  }

  async #leaveOnceUnfit(scope: Scope): Promise<void> {
    const { clock, eligible } = this.#client
    if (!eligible) return
    do await pause(clock, askMs, scope.signal)
    while (await this.#isEligible())
    scope.end(leaves)
  }

  /** Whether it may stand in line. An error counts as no. Equal errors in a row are reported once. */
  async #isEligible(): Promise<boolean> {
    const { eligible, tell } = this.#client
    try {
      const may = !eligible || (await eligible()) === true
      if (may) this.#told = ''
      return may
    } catch (error) {
      if (String(error) !== this.#told) await tell(error)
      this.#told = String(error)
      return false
    }
  }
}

// Leading, term after term. Owns the decision to stand for election again: which errors end the loop, and how long it
// rests after a campaign or work that failed. tenure.ts ends a term in order.
import type { LeadOptions, LeadWork } from '../api/election.ts'
import { type Clock, leastElapsedMs, pause } from '../base/clock.ts'
import { ConflictError, RefusedError } from '../base/errors.ts'
import type { Scope } from '../base/scope.ts'
import type { Facts } from '../contract.ts'
import { teller } from '../core/callbacks.ts'
import { graceDefaultMs } from '../core/grace.ts'
import { stopBeforeDefaultMs } from '../core/lifetime.ts'
import { backoffMs, retryDefaults } from '../core/request.ts'
import { type Rules, Tenure } from './tenure.ts'
import type { ClaimTerm } from './term.ts'

/** The default of `retryMaxMs`: the longest rest of a candidate after work that fails again and again. */
const retryMaxDefaultMs = 30_000

/** One campaign. */
export interface Candidacy {
  readonly value: string | undefined
  readonly signal: AbortSignal
  /** Called when the store has put the candidate in line. */
  readonly onStanding: () => void
}

/** The parts that leading uses. */
export interface LeadClient {
  readonly name: string
  readonly clock: Clock
  readonly facts: Facts
  readonly ttlMs: number
  /** Its end ends the loop. */
  readonly scope: Scope
  campaign(candidacy: Candidacy): Promise<ClaimTerm>
}

/** Terms one after another, and the work in each. */
export class Lead {
  readonly #client: LeadClient
  readonly #rules: Rules
  readonly #retryMaxMs: number
  readonly #isFatal: (error: unknown) => boolean
  /**
   * Whether the store has ever let this candidate stand in line. Then a refusal is no wrong configuration, and may be
   * temporary.
   */
  #stood = false
  #value: string | undefined
  /** The number of terms in a row that were short. */
  #inVain = 0

  constructor(client: LeadClient, work: LeadWork, options: LeadOptions) {
    const { graceMs = graceDefaultMs, stopBeforeMs = stopBeforeDefaultMs(client.ttlMs, client.facts) } =
      options
    const { clock, name, scope } = client
    const grace = { clock, name, graceMs }
    this.#client = client
    this.#value = options.value
    this.#retryMaxMs = options.retryMaxMs ?? retryMaxDefaultMs
    this.#isFatal = options.fatal ?? ((error) => !this.#stood && isFinal(error))
    const proclaimed = (value: string): void => {
      this.#value = value
    }
    this.#rules = {
      work,
      scope,
      grace,
      stopBeforeMs,
      proclaimed,
      tell: teller(options.onError, scope, grace),
    }
  }

  /** Goes on until the scope ends. */
  async run(): Promise<void> {
    const { clock, scope } = this.#client
    for (let vain = 1; !scope.ended; vain += 1) {
      const term = await this.#elected()
      if (term) vain = 0
      const restMs = term ? await this.#serve(term) : backoffMs(clock, vain)
      await pause(clock, restMs, scope.signal).catch(() => {})
    }
  }

  /** A term. Undefined if the scope has ended, or if the campaign failed and another one may succeed. */
  async #elected(): Promise<ClaimTerm | undefined> {
    const { scope, campaign } = this.#client
    const onStanding = (): void => {
      this.#stood = true
    }
    try {
      const term = await campaign({ value: this.#value, signal: scope.signal, onStanding })
      onStanding()
      return term
    } catch (error) {
      if (scope.ended) return undefined
      if (this.#isFatal(error)) throw error
      await this.#rules.tell(error)
      return undefined
    }
  }

  /** Resolves with how long to rest after the term. */
  async #serve(term: ClaimTerm): Promise<number> {
    const { clock } = this.#client
    const since = clock.mark()
    const { failed, awayMs } = await new Tenure(term, this.#rules).serve()
    const mostMs = failed ? this.#retryMaxMs : retryDefaults.mostMs
    const lasted = leastElapsedMs(since, clock.mark()) >= mostMs
    this.#inVain = lasted ? 1 : this.#inVain + 1
    return Math.max(awayMs, backoffMs(clock, this.#inVain, mostMs))
  }
}

/** Whether asking again is pointless as long as nobody changes something outside of this process. */
function isFinal(error: unknown): boolean {
  return error instanceof ConflictError || error instanceof RefusedError
}

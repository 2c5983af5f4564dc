// Leading, term after term. Owns the decision to stand for election again: which errors end the loop, and how long it
// rests after a campaign or work that failed. A leader also makes room here. entry.ts has the way into a term, tenure.ts
// its end.
import type { CandidateValue, LeadOptions, LeadWork } from '../api/election.ts'
import { leastElapsedMs, pause } from '../base/clock.ts'
import { ConflictError, RefusedError } from '../base/errors.ts'
import { quoted } from '../base/printable.ts'
import type { Facts } from '../contract.ts'
import { teller } from '../core/callbacks.ts'
import { graceDefaultMs } from '../core/grace.ts'
import { stopBeforeDefaultMs } from '../core/lifetime.ts'
import { backoffMs, retryDefaults } from '../core/request.ts'
import { Entry, type EntryClient } from './entry.ts'
import { type Rules, Tenure } from './tenure.ts'
import type { ClaimTerm } from './term.ts'

/** The default of `retryMaxMs`: the longest rest of a candidate after work that fails again and again. */
const retryMaxDefaultMs = 30_000

/** How often a leader that makes room asks for other candidates, in ms. */
const lookMs = 1_000
/** For so long, in ms, such a leader does not hand over to older waiters: they may be about to make room themselves. */
const spareMs = 10_000

/** The parts that leading uses. */
export interface LeadClient extends Omit<EntryClient, 'eligible' | 'tell'> {
  readonly name: string
  readonly facts: Facts
  readonly ttlMs: number
  /** The tokens of the other candidates in line. */
  waiting(signal: AbortSignal): Promise<bigint[]>
}

/** Terms one after another, and the work in each. */
export class Lead {
  readonly #client: LeadClient
  readonly #rules: Rules
  readonly #retryMaxMs: number
  readonly #entry: Entry
  readonly #isFatal: (error: unknown) => boolean
  /**
   * Whether the store has ever let this candidate stand in line. Then a refusal is no wrong configuration, and may be
   * temporary.
   */
  #stood = false
  #value: CandidateValue | undefined
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
      if (typeof this.#value !== 'function') this.#value = value
    }
    const tell = teller(options.onError, scope, grace)
    this.#rules = { work, scope, grace, stopBeforeMs, proclaimed, tell }
    this.#entry = new Entry({ ...client, tell, eligible: options.eligible })
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
    const { scope } = this.#client
    const onStanding = (): void => {
      this.#stood = true
    }
    try {
      const term = await this.#entry.term(this.#value, onStanding)
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
    const forget = this.#client.draining.onEnd(() => void this.#makeRoom(term))
    const { failed, awayMs } = await new Tenure(term, this.#rules).serve().finally(forget)
    const mostMs = failed ? this.#retryMaxMs : retryDefaults.mostMs
    const lasted = leastElapsedMs(since, clock.mark()) >= mostMs
    this.#inVain = lasted ? 1 : this.#inVain + 1
    return Math.max(awayMs, backoffMs(clock, this.#inVain, mostMs))
  }

  /** Ends the term in order when a newer candidate waits, or when an older one still waits after some time. */
  async #makeRoom(term: ClaimTerm): Promise<void> {
    const { clock, name, waiting } = this.#client
    const { signal } = term
    const since = clock.mark()
    for (let known: readonly bigint[] | undefined; !signal.aborted; ) {
      const now = await waiting(signal).catch(() => undefined) // a store that is out of reach is asked again
      known ??= now
      const spared = leastElapsedMs(since, clock.mark()) < spareMs ? known : []
      const isTime = now?.some((token) => !spared?.includes(token))
      if (isTime) term.askToStop(new DOMException(`the leader of ${quoted(name)} makes room`, 'AbortError'))
      await pause(clock, lookMs, signal).catch(() => {})
    }
  }
}

/** Whether another try is pointless until somebody changes something outside of this process. */
function isFinal(error: unknown): boolean {
  return error instanceof ConflictError || error instanceof RefusedError
}

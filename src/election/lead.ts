// Runs work that only a leader does, term after term. Owns the order at the end of a term: the work is asked to stop,
// then it ends, then leadership is given up. Also owns what happens if the work does not end.

import type { LeadOptions, LeadWork } from '../api/election.ts'
import { orAborted } from '../base/abort.ts'
import { type Clock, leastElapsedMs, pause } from '../base/clock.ts'
import { ConflictError, HoldLostError, RefusedError } from '../base/errors.ts'
import type { Scope } from '../base/scope.ts'
import { awaitWithGrace, type Grace, graceDefaultMs, warn } from '../core/grace.ts'
import { backoffMs, retryDefaults } from '../core/request.ts'
import { ClaimTerm } from './term.ts'

/** A term that can ask its work to stop. */
export class LedTerm extends ClaimTerm {
  askToStop(reason: unknown): void {
    this.stop(reason)
  }
}

/** The parts that leading uses. */
export interface LeadClient {
  readonly name: string
  readonly clock: Clock
  /** Ends the leading. */
  readonly scope: Scope
  campaign(signal: AbortSignal): Promise<LedTerm>
}

/** Terms one after another, and the work in each. */
export class Lead {
  readonly #client: LeadClient
  readonly #work: LeadWork
  readonly #grace: Grace
  readonly #report: (error: unknown) => void

  constructor(client: LeadClient, work: LeadWork, { graceMs = graceDefaultMs, onError = warn }: LeadOptions) {
    this.#client = client
    this.#work = work
    this.#grace = { clock: client.clock, name: client.name, graceMs }
    this.#report = onError
  }

  /** Runs terms until the scope ends. If work fails at once again and again, pauses before the next term. */
  async run(): Promise<void> {
    const { clock, scope } = this.#client
    for (let failures = 0; !scope.ended; ) {
      const term = await this.#elected()
      const since = clock.mark()
      if (term) await this.#serve(term)
      failures = leastElapsedMs(since, clock.mark()) < retryDefaults.mostMs ? failures + 1 : 1
      await pause(clock, backoffMs(clock, failures), scope.signal).catch(() => {})
    }
  }

  /** A term. Undefined if the campaign failed but another may succeed, or if leading has to end. */
  async #elected(): Promise<LedTerm | undefined> {
    const { scope } = this.#client
    try {
      return await this.#client.campaign(scope.signal)
    } catch (error) {
      if (scope.ended) return undefined
      if (error instanceof ConflictError || error instanceof RefusedError) throw error
      this.#report(error)
      return undefined
    }
  }

  async #serve(term: LedTerm): Promise<void> {
    const forget = this.#client.scope.onEnd((reason) => term.askToStop(reason))
    const working = this.#begin(term)
    working.catch(() => {}) // may reject while nothing awaits it
    let stuck: HoldLostError | undefined
    try {
      stuck = await awaitWithGrace(working, term.signal, this.#grace)
    } finally {
      forget()
      await term.resign().catch(this.#report)
    }
    if (stuck) await this.#await(working, stuck)
  }

  /** Runs the work, and settles when the work has and its error is reported. */
  async #begin(term: LedTerm): Promise<void> {
    const { signal } = term
    try {
      await this.#work(term)
    } catch (error) {
      const asAsked = signal.aborted && (error === signal.reason || isAbort(error))
      if (!asAsked) this.#report(error)
    }
    if (signal.reason instanceof HoldLostError) this.#report(signal.reason)
  }

  /**
   * Waits for work that still runs after its leadership is lost. No new term begins until the work ends; if leading
   * has to end first, it rejects.
   */
  async #await(working: Promise<void>, stuck: HoldLostError): Promise<void> {
    const { scope } = this.#client
    if (scope.ended) throw stuck
    this.#report(stuck)
    await orAborted(working, scope.signal).catch((error) => {
      throw scope.ended ? stuck : error
    })
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

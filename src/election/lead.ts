// Work that only a leader does, term after term. Owns the order of things at the end of a term: first the work is asked to
// stop, then it ends, then leadership is given up; and what happens when the work does not end.

import type { LeadOptions, LeadWork } from '../api/election.ts'
import { orAborted } from '../base/abort.ts'
import { type Clock, leastElapsedMs, pause } from '../base/clock.ts'
import { ConflictError, HoldLostError, RefusedError } from '../base/errors.ts'
import type { Scope } from '../base/scope.ts'
import { awaitWithGrace, type Grace, graceDefaultMs, warn } from '../core/grace.ts'
import { backoffMs, retryDefaults } from '../core/request.ts'
import { ClaimTerm } from './term.ts'

/** A term whose work can be asked to stop. */
export class LedTerm extends ClaimTerm {
  askToStop(reason: unknown): void {
    this.stop(reason)
  }
}

/** What leading needs. */
export interface LeadClient {
  readonly name: string
  readonly clock: Clock
  /** What ends it all. */
  readonly scope: Scope
  /** Calls `onStanding` when the store has put the candidate in line. */
  campaign(signal: AbortSignal, onStanding: () => void): Promise<LedTerm>
}

/** Terms and the work in them, one after another. */
export class Lead {
  readonly #client: LeadClient
  readonly #work: LeadWork
  readonly #grace: Grace
  readonly #report: (error: unknown) => void
  readonly #isFatal: (error: unknown) => boolean
  /** Whether the store has ever let it stand in line: then a refusal is no wrong configuration, and may pass. */
  #stood = false

  constructor(client: LeadClient, work: LeadWork, options: LeadOptions) {
    const { graceMs = graceDefaultMs, onError = warn } = options
    this.#client = client
    this.#work = work
    this.#grace = { clock: client.clock, name: client.name, graceMs }
    this.#report = onError
    this.#isFatal = options.fatal ?? ((error) => !this.#stood && isFinal(error))
  }

  /** Goes on until the scope ends. Work that fails at once, again and again, is not followed by the next at once. */
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

  /** A term, or undefined where the campaign failed in a way that another may not, or has to end. */
  async #elected(): Promise<LedTerm | undefined> {
    const { scope } = this.#client
    const stood = (): void => {
      this.#stood = true
    }
    try {
      const term = await this.#client.campaign(scope.signal, stood)
      stood()
      return term
    } catch (error) {
      if (scope.ended) return undefined
      if (this.#isFatal(error)) throw error
      this.#report(error)
      return undefined
    }
  }

  async #serve(term: LedTerm): Promise<void> {
    const forget = this.#client.scope.onEnd((reason) => term.askToStop(reason))
    const working = this.#begin(term)
    working.catch(() => {}) // it may fail when nobody waits for it any more
    let stuck: HoldLostError | undefined
    try {
      stuck = await awaitWithGrace(working, term.signal, this.#grace)
    } finally {
      forget()
      await term.resign().catch(this.#report)
    }
    if (stuck) await this.#await(working, stuck)
  }

  /** Settles when the work has, and has told what went wrong. */
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

  /** Work that goes on without leadership: nothing new begins beside it, and it is no good end either. */
  async #await(working: Promise<void>, stuck: HoldLostError): Promise<void> {
    const { scope } = this.#client
    if (scope.ended) throw stuck
    this.#report(stuck)
    await orAborted(working, scope.signal).catch((error) => {
      throw scope.ended ? stuck : error
    })
  }
}

/** Whether asking again is pointless as long as nobody changes something outside of this process. */
export function isFinal(error: unknown): boolean {
  return error instanceof ConflictError || error instanceof RefusedError
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

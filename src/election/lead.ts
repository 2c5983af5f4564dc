// Work that only a leader does, term after term. Owns the order of things at the end of a term: first the work is asked to
// stop, then it ends, then leadership is given up; and what happens when the work does not end.

import { orAborted } from '../base/abort.ts'
import { type Clock, leastElapsedMs, pause } from '../base/clock.ts'
import { ConflictError, HoldLostError, RefusedError } from '../base/errors.ts'
import type { Scope } from '../base/scope.ts'
import { checkCallback, checkGrace, checkSignal, checkWork } from '../core/arguments.ts'
import { awaitWithGrace, type Grace, graceDefaultMs, warn } from '../core/grace.ts'
import { backoffMs, retryDefaults } from '../core/request.ts'
import { Term } from './term.ts'

/** What a leader does. It should end soon after `term.signal` aborts. */
export type LeadWork = (term: Term) => unknown

/** How to lead. */
export interface LeadOptions {
  /** What others read about the leader, as for `campaign`. */
  readonly value?: string | undefined
  /** Hears how many candidates stand ahead, as for `acquire`. */
  readonly onWait?: ((ahead: number) => void) | undefined
  /** Ends it all: the work is asked to stop, the term is resigned, and `lead` resolves. */
  readonly signal?: AbortSignal | undefined
  /** How long, in ms, work may go on after `term.signal` aborted; 10 s by default. */
  readonly graceMs?: number | undefined
  /**
   * Hears of each error that `lead` goes on after. By default it becomes a warning of the process. What it throws
   * itself ends `lead`.
   */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** A term whose work can be asked to stop. */
export class LedTerm extends Term {
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
  campaign(signal: AbortSignal): Promise<LedTerm>
}

/** Throws TypeError or RangeError for arguments that make no sense. */
export function checkLead(work: LeadWork, { signal, graceMs, onError, onWait }: LeadOptions): void {
  checkWork('work', work)
  checkSignal(signal)
  checkGrace(graceMs)
  checkCallback('onError', onError)
  checkCallback('onWait', onWait)
}

/** Terms and the work in them, one after another. */
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

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

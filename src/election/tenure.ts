// One term and the work in it. Owns the order at the end of a term: the work is asked to stop, the work ends, leadership is
// given up, errors are reported. Also owns the case of work that does not end.
import type { LeadWork } from '../api/election.ts'
import { orAborted } from '../base/abort.ts'
import { HoldLostError } from '../base/errors.ts'
import type { Scope } from '../base/scope.ts'
import { awaitWithGrace, type Grace } from '../core/grace.ts'
import { type ClaimTerm, WorkTerm } from './term.ts'

/** The facts that all terms of one `lead` share. */
export interface Rules {
  readonly work: LeadWork
  /** Its end ends the term in order, without an error. */
  readonly scope: Scope
  readonly grace: Grace
  /** How long before the deadline the work is asked to stop, unless a renewal moves the deadline. */
  readonly stopBeforeMs: number
  /** Reports an error after which `lead` goes on. */
  tell(error: unknown): Promise<void>
  /** Gets each new value. */
  proclaimed(value: string): void
}

/** How a term ended. */
export interface Ending {
  /** Whether the work threw an error of its own. */
  readonly failed: boolean
  /** How long the work wants to stay away. */
  readonly awayMs: number
}

/** How the work ended. */
interface Outcome {
  readonly failed: boolean
  readonly errors: readonly unknown[]
}

/** The work under one term, from its start to the end of both. */
export class Tenure {
  readonly #term: ClaimTerm
  readonly #rules: Rules
  #awayMs = 0

  constructor(term: ClaimTerm, rules: Rules) {
    this.#term = term
    this.#rules = rules
  }

  /**
   * Resolves when the work is over. Rejects with HoldLostError if the work still runs when `lead` ends, and as `tell`
   * does.
   */
  async serve(): Promise<Ending> {
    const { scope, grace, tell } = this.#rules
    const term = this.#term
    const forget = scope.onEnd((reason) => term.askToStop(reason))
    term.stopBefore(this.#rules.stopBeforeMs)
    const working = this.#work()
    const stuck = await awaitWithGrace(working, term.signal, grace)
    forget()
    const refused = await term.resign().then(
      () => [],
      (error: unknown) => [error],
    )
    if (stuck) await this.#outlast(working, stuck)
    const { failed, errors } = await working
    for (const error of [...errors, ...refused]) await tell(error)
    return { failed, awayMs: this.#awayMs }
  }

  /** Never rejects: errors are reported when leadership has been given up. */
  async #work(): Promise<Outcome> {
    const { work, proclaimed } = this.#rules
    const { signal } = this.#term
    const errors: unknown[] = []
    const stepDown = (awayMs: number): void => {
      this.#awayMs = awayMs
    }
    try {
      if (!signal.aborted) await work(new WorkTerm(this.#term, { stepDown, proclaimed }))
    } catch (error) {
      const asAsked = signal.aborted && (error === signal.reason || isAbort(error))
      if (!asAsked) errors.push(error)
    }
    const failed = errors.length > 0
    if (signal.reason instanceof HoldLostError) errors.push(signal.reason)
    return { failed, errors }
  }

  /** Waits for work that goes on without leadership. No new work begins meanwhile, and its end counts as a failure. */
  async #outlast(working: Promise<Outcome>, stuck: HoldLostError): Promise<void> {
    const { scope, tell } = this.#rules
    if (scope.ended) throw stuck
    await tell(stuck)
    await orAborted(working, scope.signal).catch(() => {
      throw stuck
    })
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

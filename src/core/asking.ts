// Asks the store whether a claim holds, as often as needed. Owns when the question was sent last and why it failed.
// admission.ts decides what the answers mean.
import type { Mark } from '../base/clock.ts'
import type { Attempt, Backend, Claim } from '../contract.ts'
import { persist, type RequestOptions } from './request.ts'
import type { Session } from './session.ts'
import { type Seen, toldApart } from './wish.ts'

/** A claim, and the parts that are needed to ask about it. */
export interface Asking {
  readonly backend: Backend
  readonly claim: Claim
  /** The options of each request, and the scope that ends them all. */
  readonly request: RequestOptions
  readonly session: Pick<Session, 'ttlMs' | 'coveredMs' | 'claimsLost'>
  /** Called with the number of claims ahead, whenever that changes. */
  readonly onWait?: ((ahead: number) => void) | undefined
  /**
   * How long the caller waits. If it is given, this time limits the questions; if not, the default count of retries
   * does.
   */
  readonly waitMs?: number | undefined
  /** The last answers of the store about the claim. */
  readonly seen: Seen
}

/** The question of one claim. */
export class Question {
  /** When the question was sent last. */
  sent: Mark
  /** How many claims the session had lost at that moment. */
  claimsLost: number
  readonly #asking: Asking
  #failure: unknown

  constructor(asking: Asking) {
    this.#asking = asking
    this.sent = asking.request.clock.mark()
    this.claimsLost = asking.session.claimsLost
  }

  /** Asks until the store answers, with at most `retries` repeats; undefined means the default of requests. */
  async ask(retries: number | undefined): Promise<Attempt> {
    const { backend, claim, request, session, seen } = this.#asking
    const answer = await persist({ ...request, retries }, (signal) => {
      this.sent = request.clock.mark()
      this.claimsLost = session.claimsLost
      return backend.attempt(claim, signal).catch((error) => {
        this.#failure = error
        throw error
      })
    })
    seen.delayed = isDelayed(answer)
    return answer
  }

  /** Throws the error of a question. If the time was over before an answer, that is an UnavailableError. */
  readonly unanswered = (error: unknown): never => toldApart(error, this.#failure)
}

/** Whether only a lock-delay is in the way. */
export function isDelayed(answer: Attempt): boolean {
  return !answer.held && answer.delayed === true
}

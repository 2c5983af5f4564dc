// The question whether a claim holds, put to the store once and again. Owns when it left last and why it failed; what the
// answers mean is admission.ts's.
import type { Mark } from '../base/clock.ts'
import type { Attempt, Backend, Claim } from '../contract.ts'
import { persist, type RequestOptions } from './request.ts'
import { type Seen, toldApart } from './wish.ts'

/** A claim, and how to ask about it. */
export interface Asking {
  readonly backend: Backend
  readonly claim: Claim
  /** How each question is put to the store, and what ends them all. */
  readonly request: RequestOptions
  /** The session's time to live. */
  readonly ttlMs: number
  /** Hears how many stand ahead, whenever that changes. */
  readonly onWait?: ((ahead: number) => void) | undefined
  /** How long the caller waits: where it is given, the time decides how often to ask, and not a count. */
  readonly waitMs?: number | undefined
  /** What the store has said last. */
  readonly seen: Seen
}

/** The question of one claim. */
export class Question {
  /** When it left last. */
  sent: Mark
  readonly #asking: Asking
  #failure: unknown

  constructor(asking: Asking) {
    this.#asking = asking
    this.sent = asking.request.clock.mark()
  }

  /** Asks until the store answers, or so many times more than once; undefined is the default of requests. */
  async ask(retries: number | undefined): Promise<Attempt> {
    const { backend, claim, request, seen } = this.#asking
    const answer = await persist({ ...request, retries }, (signal) => {
      this.sent = request.clock.mark()
      return backend.attempt(claim, signal).catch((error) => {
        this.#failure = error
        throw error
      })
    })
    seen.delayed = isDelayed(answer)
    return answer
  }

  /** Throws the error of a question; one that was not answered in time is an outage. */
  readonly unanswered = (error: unknown): never => toldApart(error, this.#failure)
}

/** Whether only a lock-delay is in the way. */
export function isDelayed(answer: Attempt): boolean {
  return !answer.held && answer.delayed === true
}

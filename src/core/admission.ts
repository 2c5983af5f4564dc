// How a claim comes to hold: the store's answers are followed until one admits it. Owns how often to ask while a
// lock-delay is in the way, and that the caller hears of its place; what a claim is, acquire.ts knows.
import { UnavailableError } from '../base/errors.ts'
import type { Admitted, Attempt, Backend, Claim } from '../contract.ts'
import { follow } from './follow.ts'
import { persist, type RequestOptions } from './request.ts'

/** A claim, and how to ask about it. */
export interface Asking {
  readonly backend: Backend
  readonly claim: Claim
  /** How each question is put to the store, and what ends them all. */
  readonly request: RequestOptions
  /** The session's time to live. */
  readonly ttlMs: number
  /** Hears how many stand ahead, whenever that changes. */
  readonly onWait: ((ahead: number) => void) | undefined
}

/** How often to ask, at least, whether a lock-delay is over. */
const delayedMs = 500

/** Ends a wait from within; the error that the caller gets is made when it is known who holds. */
export const timeout: unique symbol = Symbol('waited long enough')

/** A wait that ends before the store has answered does not show that the name is taken: the error says so. */
export function toldApart(error: unknown): never {
  if (error !== timeout) throw error
  throw new UnavailableError('the store did not answer before the wait was over')
}

/**
 * Resolves with the answer that admits the claim, or, where the claim does not wait, with the first answer. Rejects with
 * the reason of the scope, and as a request does.
 */
export async function untilAnswered(asking: Asking): Promise<Attempt> {
  const { backend, claim, request } = asking
  const attempt = (signal: AbortSignal): Promise<Attempt> => backend.attempt(claim, signal)
  const first = await persist(request, attempt).catch(toldApart)
  if (first.held || !claim.wait) return first
  // A place in line is not given up as long as the session keeps it, and that may be longer than an outage.
  return untilAdmitted(first, asking, () => persist({ ...request, retries: Infinity }, attempt))
}

/** Resolves with the answer that admits the claim, which is later than `first`. */
async function untilAdmitted(first: Attempt, asking: Asking, ask: () => Promise<Attempt>): Promise<Admitted> {
  const { backend, claim, request, ttlMs, onWait } = asking
  const { clock, scope } = request
  const answers = follow<Attempt>(first, {
    clock,
    scope,
    ask,
    changed: (answer, signal) => backend.changed(claim, answer, signal),
    restMs: (answer) => (isDelayed(answer) ? delayedMs * (0.5 + clock.random() / 2) : ttlMs),
    tells: (answer) => !isDelayed(answer),
    isSame: (before, after) => !before.held && !after.held && before.ahead === after.ahead,
  })
  for (let told = 0; ; ) {
    const { value: answer } = await answers.next()
    if (answer.held) return answer
    if (answer.ahead !== told) onWait?.(answer.ahead)
    told = answer.ahead
  }
}

/** Whether only a lock-delay is in the way. */
function isDelayed(answer: Attempt): boolean {
  return !answer.held && answer.delayed === true
}

// Follows the store's answers until one admits the claim and is young enough to be believed. Owns when to ask again:
// during a lock-delay, and about an admission that took long to arrive. acquire.ts makes the claims.
import { mostElapsedMs } from '../base/clock.ts'
import { UnavailableError } from '../base/errors.ts'
import type { Admitted, Attempt, Backend, Claim } from '../contract.ts'
import { follow } from './follow.ts'
import { persist, type RequestOptions } from './request.ts'
import type { Session } from './session.ts'
import { requestMs } from './timing.ts'

/** A claim, and how to ask about it. */
export interface Asking {
  readonly backend: Backend
  readonly claim: Claim
  /** The options of each request, and the scope that ends them all. */
  readonly request: RequestOptions
  readonly session: Pick<Session, 'ttlMs' | 'coveredMs' | 'claimsLost'>
  /** Called with the number of claims ahead, whenever that changes. */
  readonly onWait: ((ahead: number) => void) | undefined
}

/** How often to ask whether a lock-delay is over. */
const delayedMs = 500

/** The reason when the wait is over. The caller's error replaces it once the holder is known. */
export const timeout: unique symbol = Symbol('waited long enough')

/** Turns the timeout into UnavailableError: the store has not answered, so the name may be free. */
export function toldApart(error: unknown): never {
  if (error !== timeout) throw error
  throw new UnavailableError('the store did not answer before the wait was over')
}

/**
 * Resolves with the answer that admits the claim or, if the claim does not wait, with the first answer.
 *
 * An admission is believed if the last question was sent at most a thirtieth of the covered time ago. An older one may
 * have been delayed on the network or in a stopped process, while an operator broke the lock. So the store is asked
 * once more, and its new answer counts: a claim that was removed is at the end of the line again. From the third
 * answer on, the network itself is slow, and an answer may be as old as one request may take. Rejects with the reason
 * of the scope, and as a request does.
 */
export async function untilAnswered(asking: Asking): Promise<Attempt> {
  const { backend, claim, request, session } = asking
  const { clock } = request
  let sent = clock.mark()
  let claimsLost = 0
  const ask = (retries?: number): Promise<Attempt> =>
    persist({ ...request, retries }, (signal) => {
      sent = clock.mark()
      claimsLost = session.claimsLost
      return backend.attempt(claim, signal)
    })
  // A claim in line keeps asking: its session may live longer than an outage lasts.
  const askOn = (): Promise<Attempt> => ask(claim.wait ? Infinity : undefined)
  let answer = await ask().catch(toldApart)
  for (let answers = 1; ; answers += 1) {
    if (claim.wait && !answer.held) answer = await untilAdmitted(answer, asking, askOn)
    // An answer or event is always younger than the last question.
    const { coveredMs } = session
    const believedMs = answers < 3 ? coveredMs / 30 : requestMs(coveredMs)
    const isYoung = mostElapsedMs(sent, clock.mark()) <= believedMs && claimsLost === session.claimsLost
    if (!answer.held || isYoung) return answer
    answer = await askOn().catch(toldApart)
  }
}

/** Resolves with the first answer after `first` that admits the claim. */
async function untilAdmitted(first: Attempt, asking: Asking, ask: () => Promise<Attempt>): Promise<Admitted> {
  const { backend, claim, request, session, onWait } = asking
  const { clock, scope } = request
  const answers = follow<Attempt>(first, {
    clock,
    scope,
    ask,
    changed: (answer, signal) => backend.changed(claim, answer, signal),
    restMs: (answer) => (isDelayed(answer) ? delayedMs * (0.5 + clock.random() / 2) : session.ttlMs),
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

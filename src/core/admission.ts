// How a claim comes to hold: the store's answers are followed until one admits it and is young enough to be believed.
// Owns when to ask again: while a lock-delay is in the way, and about an admission that was long on its way. acquire.ts
// knows what a claim is.
import { mostElapsedMs } from '../base/clock.ts'
import { UnavailableError } from '../base/errors.ts'
import type { Admitted, Attempt, Backend, Claim } from '../contract.ts'
import { follow } from './follow.ts'
import { requestMs } from './lifetime.ts'
import { persist, type RequestOptions } from './request.ts'
import type { Session } from './session.ts'

/** A claim, and how to ask about it. */
export interface Asking {
  readonly backend: Backend
  readonly claim: Claim
  /** How each question is put to the store, and what ends them all. */
  readonly request: RequestOptions
  readonly session: Pick<Session, 'ttlMs' | 'coveredMs' | 'claimsLost'>
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
 * Resolves with the answer that admits the claim, or, where the claim does not wait, with the first answer. An admission
 * is believed if the last question was sent no longer than a thirtieth of the covered time ago. An older one may have been
 * held up on its way, or in a process that stood still, while an operator took the lock away. So the store is asked once
 * more, and what it says now counts: a claim that was removed stands in line again, at its end. From the third answer on
 * the network itself is slow, and an answer is believed that took no longer than one request may. Rejects with the reason
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
  // A place in line is not given up as long as the session keeps it, and that may be longer than an outage.
  const askOn = (): Promise<Attempt> => ask(claim.wait ? Infinity : undefined)
  let answer = await ask().catch(toldApart)
  for (let answers = 1; ; answers += 1) {
    if (claim.wait && !answer.held) answer = await untilAdmitted(answer, asking, askOn)
    // An answer or event is younger than the last question.
    const { coveredMs } = session
    const believedMs = answers < 3 ? coveredMs / 30 : requestMs(coveredMs)
    const isYoung = mostElapsedMs(sent, clock.mark()) <= believedMs && claimsLost === session.claimsLost
    if (!answer.held || isYoung) return answer
    answer = await askOn().catch(toldApart)
  }
}

/** Resolves with the answer that admits the claim, which is later than `first`. */
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
    isSame: (before, after) =>
      !before.held && !after.held && before.ahead === after.ahead && before.behind === after.behind,
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

// How a claim comes to hold: the store's answers are followed until one admits it and is young enough to be believed.
// Owns when to ask again: while a lock-delay is in the way, and about an admission that was long on its way. acquire.ts
// knows what a claim is.
import { mostElapsedMs } from '../base/clock.ts'
import type { Admitted, Attempt } from '../contract.ts'
import { type Asking, isDelayed, Question } from './asking.ts'
import { follow } from './follow.ts'
import { requestMs } from './session.ts'

/** How often to ask, at least, whether a lock-delay is over. */
const delayedMs = 500

/**
 * Resolves with the answer that admits the claim, or, where the claim does not wait, with the first answer. An admission
 * is believed if the last question was sent no longer than a thirtieth of the time to live ago. An older one may have been
 * held up on its way, or in a process that stood still, while an operator took the lock away. So the store is asked once
 * more, and what it says now counts: a claim that was removed stands in line again, at its end. From the third answer on
 * the network itself is slow, and an answer is believed that took no longer than one request may. Rejects with the reason
 * of the scope, and as a request does.
 */
export async function untilAnswered(asking: Asking): Promise<Attempt> {
  const { claim, request, ttlMs, waitMs } = asking
  const question = new Question(asking)
  // A place in line is not given up as long as the session keeps it, and that may be longer than an outage.
  const askOn = (): Promise<Attempt> => question.ask(Infinity)
  let answer = await question.ask(waitMs === undefined ? undefined : Infinity).catch(question.unanswered)
  for (let answers = 1; ; answers += 1) {
    if (claim.wait && !answer.held) answer = await untilAdmitted(answer, asking, askOn)
    // An answer or event is younger than the last question.
    const believedMs = answers < 3 ? ttlMs / 30 : requestMs(ttlMs)
    if (!answer.held || mostElapsedMs(question.sent, request.clock.mark()) <= believedMs) return answer
    answer = await askOn().catch(question.unanswered)
  }
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

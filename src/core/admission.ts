// Follows the store's answers until one admits the claim and is young enough to be believed. Owns when to ask again:
// during a lock-delay, and about an admission that took long to arrive. acquire.ts makes the claims.
import { mostElapsedMs } from '../base/clock.ts'
import type { Admitted, Attempt } from '../contract.ts'
import { type Asking, isDelayed, Question } from './asking.ts'
import { follow } from './follow.ts'
import { requestMs } from './lifetime.ts'

/** The longest pause between two questions whether a lock-delay is over. */
const delayedMs = 500

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
  const { claim, request, session, waitMs } = asking
  const question = new Question(asking)
  // A claim in line keeps asking: its session may live longer than an outage lasts.
  const askOn = (): Promise<Attempt> => question.ask(Infinity)
  let answer = await question.ask(waitMs === undefined ? undefined : Infinity).catch(question.unanswered)
  for (let answers = 1; ; answers += 1) {
    if (claim.wait && !answer.held) answer = await untilAdmitted(answer, asking, askOn)
    // An answer or event is always younger than the last question.
    const { coveredMs, claimsLost } = session
    const believedMs = answers < 3 ? coveredMs / 30 : requestMs(coveredMs)
    const isRecent = mostElapsedMs(question.sent, request.clock.mark()) <= believedMs
    if (!answer.held || (isRecent && claimsLost === question.claimsLost)) return answer
    answer = await askOn().catch(question.unanswered)
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

// Follows the store's answers until one admits the claim and is young enough to be believed. Owns when to ask again:
// during a lock-delay, and about an admission that took long to arrive. acquire.ts makes the claims.
import { type Mark, mostElapsedMs } from '../base/clock.ts'
import type { Admitted, Attempt, Backend, Claim } from '../contract.ts'
import { follow } from './follow.ts'
import { requestMs } from './lifetime.ts'
import { persist, type RequestOptions, rethrow } from './request.ts'
import type { Session } from './session.ts'
import type { Succession } from './succession.ts'
import type { Seen } from './wish.ts'

/** A claim, and the parts that are needed to ask about it. */
export interface Asking {
  readonly backend: Pick<Backend, 'attempt' | 'changed' | 'replace'>
  readonly claim: Claim
  /** The claim of the local caller before, if the first answered question has to withdraw it. */
  readonly before?: Succession | undefined
  /** The options of the first question, and the scope that ends them all. */
  readonly request: RequestOptions
  readonly session: Pick<Session, 'ttlMs' | 'coveredMs' | 'claimsLost' | 'sent' | 'fresh' | 'untilFresh'>
  /** Called with the number of claims ahead, whenever that changes. */
  readonly onWait?: ((ahead: number) => void) | undefined
  /** The last answers of the store about the claim. */
  readonly seen: Seen
}

/** During a lock-delay: the longest pause between two questions, in ms. */
const delayedMs = 500

/**
 * Resolves with the answer that admits the claim or, if the claim does not wait, with the first answer.
 *
 * An admission is believed if the last question was sent at most a thirtieth of the covered time ago. An older one may
 * have been delayed on the network or in a stopped process, while an operator broke the lock. So the store is asked
 * once more, and its new answer counts: a claim that was removed is at the end of the line again. After two answers
 * that were too old the network itself is slow. So from the third on an answer may be as old as one request may take.
 * If the session has little life left, as after an outage, an admission first waits for a renewal: work needs time.
 * Rejects with the reason of the scope, and as a request does.
 */
export async function untilAnswered(asking: Asking): Promise<Attempt> {
  const { claim, request, session } = asking
  const question: Question = { sent: session.sent, claimsLost: session.claimsLost } // older than every question
  const unanswered = (error: unknown): never => rethrow(error, question.failure)
  // A claim in line keeps asking, since its session may outlive an outage of the store.
  const askOn = (): Promise<Attempt> => ask(asking, question, { ...request, retries: Infinity })
  let answer = await ask(asking, question, request).catch(unanswered)
  for (let answers = 1; ; answers += 1) {
    if (claim.wait && !answer.held) answer = await untilAdmitted(answer, asking, askOn)
    if (answer.held && !session.fresh) await session.untilFresh(request.scope)
    // An answer or event is always younger than the last question.
    const { coveredMs, claimsLost } = session
    const believedMs = answers < 3 ? coveredMs / 30 : requestMs(coveredMs)
    const isRecent = mostElapsedMs(question.sent, request.clock.mark()) <= believedMs
    if (!answer.held || (isRecent && claimsLost === question.claimsLost)) return answer
    answer = await askOn().catch(unanswered)
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

/** The last question whether the claim holds. */
interface Question {
  sent: Mark
  /** How many claims the session had lost when it was sent. */
  claimsLost: number
  failure?: unknown
}

/** Asks until the store answers, as often as `request` says. */
async function ask(asking: Asking, question: Question, request: RequestOptions): Promise<Attempt> {
  const { backend, claim, before, session, seen } = asking
  const answer = await persist(request, 'attempt', (signal) => {
    question.sent = request.clock.mark()
    question.claimsLost = session.claimsLost
    const replaced = before?.isOpen ? before.claim : undefined
    const answered = replaced ? backend.replace?.(replaced, claim, signal) : undefined
    return (answered ?? backend.attempt(claim, signal)).catch((error) => {
      question.failure = error
      throw error
    })
  })
  before?.decide(true)
  seen.delayed = isDelayed(answer)
  return answer
}

/** Whether only a lock-delay is in the way. */
function isDelayed(answer: Attempt): boolean {
  return !answer.held && answer.delayed === true
}

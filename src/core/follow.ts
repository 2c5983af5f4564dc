// The one loop that waits for a change in the store: it watches an answer, asks again, and never spins. Owns how long to
// rely on a watch. admission.ts and election/ know what the answers mean.

import { type Clock, leastElapsedMs, pause } from '../base/clock.ts'
import { type Ending, Scope } from '../base/scope.ts'
import { backoffMs, retryDefaults } from './request.ts'

/** A question whose answer can change. */
export interface Question<T> {
  readonly clock: Clock
  /** When it ends, `follow` rejects with its reason. */
  readonly scope: Ending
  /** Asks until the store answers. */
  ask(): Promise<T>
  /** Waits until the answer may have changed: `changed` of the contract. */
  changed(answer: T, signal: AbortSignal): Promise<T | undefined>
  /** How long to wait for a change before asking anyway: stores have lost watch events before. */
  restMs(answer: T): number
  /** Whether the store sends an event when this answer changes. If not, the loop only rests. */
  tells(answer: T): boolean
  /** Whether the new answer says the same as the one before. */
  isSame(before: T, after: T): boolean
}

/** Yields one answer after the other without end, beginning with `first`. The newest answer is never skipped. */
export async function* follow<T>(first: T, question: Question<T>): AsyncGenerator<T, never, void> {
  const { clock, scope } = question
  let answer = first
  for (let inVain = 0; ; ) {
    yield answer
    const since = clock.mark()
    const { woken, proven } = await changed(answer, question)
    const soon = woken && leastElapsedMs(since, clock.mark()) < retryDefaults.mostMs
    // A watch that fails at once would make this loop spin, so the loop pauses after early wakes without news. After a
    // wake with news it asks at once: during a pause, other clients that race for the lock would take it.
    if (!proven && soon && inVain > 1) await pause(clock, backoffMs(clock, inVain), scope.signal)
    const next = proven ?? (await question.ask())
    inVain = soon && question.isSame(answer, next) ? inVain + 1 : 0
    answer = next
  }
}

/** Aborts the loser of the race below. A constant, since an abort without a reason creates an error with a stack. */
const waited = 'the wait is over'

/** Waits for a change, at most for `restMs`. `woken` says whether a change ended the wait. */
async function changed<T>(
  answer: T,
  question: Question<T>,
): Promise<{ woken: boolean; proven?: T | undefined }> {
  const scope = new Scope().on(question.scope)
  const rest = pause(question.clock, question.restMs(answer), scope.signal).then(() => ({ woken: false }))
  const watched = (): Promise<{ woken: boolean; proven: T | undefined }> =>
    question.changed(answer, scope.signal).then((proven) => ({ woken: true, proven }))
  try {
    return await (question.tells(answer) ? Promise.race([watched(), rest]) : rest)
  } finally {
    scope.end(waited)
    scope.detach()
  }
}

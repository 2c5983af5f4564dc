// The loop that follows an answer of the store as it changes: wait, ask again, and never spin. Owns how long to rely on a
// watch; what the answers mean is for admission.ts and election/ to say.

import { type Clock, leastElapsedMs, pause } from '../base/clock.ts'
import { type Ending, Scope } from '../base/scope.ts'
import { backoffMs, retryDefaults } from './request.ts'

/** A question whose answer goes out of date. */
export interface Question<T> {
  readonly clock: Clock
  /** What ends the following: it then rejects with the reason. */
  readonly scope: Ending
  /** Asks once more, until the store answers. */
  ask(): Promise<T>
  /** Waits until the answer may have changed: `changed` of the contract. */
  changed(answer: T, signal: AbortSignal): Promise<T | undefined>
  /** How long to wait for a change before asking all the same: stores have lost watch events before. */
  restMs(answer: T): number
  /** Whether to wait for a change at all, or only to rest. */
  tells(answer: T): boolean
  /** Whether an answer has nothing new. */
  isSame(before: T, after: T): boolean
}

/** One answer after the other, beginning with `first`, without end. The last one is never left out. */
export async function* follow<T>(first: T, question: Question<T>): AsyncGenerator<T, never, void> {
  const { clock, scope } = question
  let answer = first
  for (let inVain = 0; ; ) {
    yield answer
    const since = clock.mark()
    const { woken, proven } = await changed(answer, question)
    const soon = woken && leastElapsedMs(since, clock.mark()) < retryDefaults.mostMs
    // A watch that fails at once would make this loop spin. One that wakes us for a reason has something new, and then the
    // next wake is asked about at once: where others race for the lock, they would have it by the end of a pause.
    if (!proven && soon && inVain > 1) await pause(clock, backoffMs(clock, inVain), scope.signal)
    const next = proven ?? (await question.ask())
    inVain = soon && question.isSame(answer, next) ? inVain + 1 : 0
    answer = next
  }
}

/** Waits for a change, or for the rest to be over. */
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
    scope.end(undefined)
    scope.lift()
  }
}

// How a claim comes to hold: the store's answers are followed until one admits it and is young enough to be believed. Owns
// when to ask again: while a lock-delay is in the way, and about an admission that was long on its way. What a claim is,
// acquire.ts knows.
import type { Admitted, Attempt } from './backend.ts'
import { type Clock, type Mark, mostElapsedMs } from './clock.ts'
import { UnavailableError } from './errors.ts'
import { follow } from './follow.ts'
import { persist, type RequestOptions } from './request.ts'
import { requestMs } from './session.ts'

/** How to ask about one claim. */
export interface Waiter {
  /** How each question is put to the store, and what ends them all. */
  readonly request: RequestOptions
  /** The session's time to live. */
  readonly ttlMs: number
  /** Whether the claim stands in line. */
  readonly waits: boolean
  /** Hears how many stand ahead, whenever that changes. */
  readonly onWait: ((ahead: number) => void) | undefined
  /** Asks once. Idempotent: asked about a claim that was admitted, the store says whether it still is. */
  attempt(signal: AbortSignal): Promise<Attempt>
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
 * is believed if the last question was sent no longer than a thirtieth of the time to live ago. An older one may have been
 * held up on its way, or in a process that stood still, while an operator took the lock away. So the store is asked once
 * more, and what it says now counts: a claim that was removed stands in line again, at its end. From the third answer on
 * the network itself is slow, and an answer is believed that took no longer than one request may. Rejects with the reason
 * of the limits, and as a request does.
 */
export async function untilAnswered(waiter: Waiter): Promise<Attempt> {
  const { request, ttlMs, waits, attempt } = waiter
  const { clock } = request
  let sent = clock.mark()
  const ask = (retries?: number): Promise<Attempt> =>
    persist({ ...request, retries }, (limit) => {
      sent = clock.mark()
      return attempt(limit)
    })
  // A place in line is not given up as long as the session keeps it, and that may be longer than an outage.
  const askOn = (): Promise<Attempt> => ask(waits ? Infinity : undefined)
  let answer = await ask().catch(toldApart)
  for (let answers = 1; ; answers += 1) {
    if (waits && !answer.held) answer = await untilAdmitted(answer, waiter, askOn)
    const believedMs = answers < 3 ? ttlMs / 30 : requestMs(ttlMs)
    if (!answer.held || ageMs(sent, clock) <= believedMs) return answer
    answer = await askOn().catch(toldApart)
  }
}

/** The most that an answer or event can have been on its way: it is younger than the last question. */
function ageMs(sent: Mark, clock: Clock): number {
  return mostElapsedMs(sent, clock.mark())
}

/** Resolves with the answer that admits the claim, which is later than `first`. */
async function untilAdmitted(
  first: Attempt,
  { request, ttlMs, onWait }: Waiter,
  ask: () => Promise<Attempt>,
): Promise<Admitted> {
  const { clock, limits } = request
  const answers = follow<Attempt>(first, {
    clock,
    limits,
    ask,
    restMs: (attempt) => (isDelayed(attempt) ? delayedMs * (0.5 + clock.random() / 2) : ttlMs),
    tells: (attempt) => !isDelayed(attempt),
    isSame: (before, after) => !before.held && !after.held && before.ahead === after.ahead,
  })
  for (let told = 0; ; ) {
    const { value: attempt } = await answers.next()
    if (attempt.held) return attempt
    if (attempt.ahead !== told) onWait?.(attempt.ahead)
    told = attempt.ahead
  }
}

/** Whether only a lock-delay is in the way. */
function isDelayed(attempt: Attempt): boolean {
  return !attempt.held && attempt.delayed === true
}

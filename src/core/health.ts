// The health of a client as plain data. Owns which session counts, and the words of the last error; sessions.ts knows the
// facts, and election/candidacies.ts those of elections.
import type { CandidateHealth, ClientHealth } from '../api/health.ts'
import { messageLine } from '../base/printable.ts'
import type { Sessions } from './sessions.ts'

/** The state of a client now. Sends nothing. */
export function healthOf(
  store: string,
  { live, answerAgeMs, failure }: Sessions,
  elections: readonly CandidateHealth[],
): ClientHealth {
  return {
    store,
    session: live?.id,
    remainingMs: live?.remainingMs ?? 0,
    lastAnswerAgeMs: answerAgeMs,
    lastError: failure === undefined ? undefined : words(failure),
    elections,
  }
}

function words(failure: unknown): string {
  return messageLine(failure instanceof Error ? failure.message : String(failure))
}

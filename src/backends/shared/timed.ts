// One question of an examination, with its time and its error. Owns its time limit: an examination must end although a
// server hangs.
import { orAborted } from '../../base/abort.ts'
import { type Clock, leastElapsedMs } from '../../base/clock.ts'
import { UnavailableError } from '../../base/errors.ts'
import { Scope } from '../../base/scope.ts'

/** How long one question of an examination may take, in ms. */
export const questionMs = 3_000

/** The answer or the error, and how long it took in ms, to a tenth. */
export type Timed<T> =
  | { readonly ms: number; readonly answer: T }
  | { readonly ms: number; readonly error: unknown }

/** Asks once, within `questionMs`. Rejects only with the reason of `signal`. */
export async function timed<T>(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<Timed<T>> {
  const silence = (): Error => new UnavailableError(`no answer within ${questionMs} ms`)
  const scope = new Scope().onSignal(signal).onTimeout(clock, questionMs, silence)
  const since = clock.mark()
  const passedMs = (): number => Math.round(10 * leastElapsedMs(since, clock.mark())) / 10
  try {
    const answer = await orAborted(ask(scope.signal), scope.signal)
    return { ms: passedMs(), answer }
  } catch (error) {
    signal.throwIfAborted()
    return { ms: passedMs(), error }
  } finally {
    scope.detach()
  }
}

/** The message of any error, for a finding. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

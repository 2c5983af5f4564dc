// Tries again and again while the store is out of reach, until the next tick comes. Owns how long and how often.
// core/request.ts repeats a single request; this file begins anew when those repeats have failed.
import { type Clock, mostElapsedMs, pause } from '../base/clock.ts'
import { HoldLostError, UnavailableError } from '../base/errors.ts'
import type { Scope } from '../base/scope.ts'

/** How long to go on. */
export interface Outlasting {
  readonly clock: Clock
  readonly scope: Scope
  /** The time in ms, from now on. With 0 there is one try. */
  readonly forMs: number
  /** Called once, with the error of the first try that failed. */
  readonly onOutage: (error: unknown) => void
}

const [restLeastMs, restMostMs] = [1_000, 30_000]

/** Wraps an error that does not count as an outage, even if it is an UnavailableError or HoldLostError. */
export class Final extends Error {
  readonly error: unknown
  constructor(error: unknown) {
    super('final')
    this.error = error
  }
}

/**
 * Calls `what` until it succeeds. When the time is over, rejects with the last error. Rejects at once with an error
 * that is no outage, and with the error inside a Final.
 */
export async function outlast<T>(what: () => Promise<T>, options: Outlasting): Promise<T> {
  const { clock, scope, forMs, onOutage } = options
  const since = clock.mark()
  const leftMs = (): number => forMs - mostElapsedMs(since, clock.mark())
  for (let failures = 1; ; failures += 1) {
    try {
      return await what()
    } catch (error) {
      if (error instanceof Final) throw error.error
      const restMs = restAfterMs(failures, options)
      if (scope.ended || !isOutage(error) || leftMs() <= restMs) throw error
      if (failures === 1) onOutage(error)
      await pause(clock, restMs, scope.signal)
    }
  }
}

/** At most a sixtieth of the time, so that a rest does not last past a short interval. */
function restAfterMs(failures: number, { clock, forMs }: Outlasting): number {
  const mostMs = Math.min(restMostMs, Math.max(restLeastMs, forMs / 60))
  return Math.min(mostMs, restLeastMs * 2 ** (failures - 1)) * (0.5 + clock.random() / 2)
}

/** Whether the store did not answer, or the lock was lost before the job began. */
function isOutage(error: unknown): boolean {
  return error instanceof UnavailableError || error instanceof HoldLostError
}

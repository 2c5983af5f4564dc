// Goes on while the store is out of reach: a tick is worth that until the next one. Owns how long and how often. A single
// request is repeated by core/request.ts; this begins anew after all that.
import { type Clock, mostElapsedMs, pause } from '../base/clock.ts'
import { HoldLostError, UnavailableError } from '../base/errors.ts'
import type { Scope } from '../base/scope.ts'

/** How long to go on. */
export interface Outlasting {
  readonly clock: Clock
  readonly scope: Scope
  /** From now on, in ms. With 0 there is one try. */
  readonly forMs: number
  /** Called with the first error that this goes on after. */
  readonly onOutage: (error: unknown) => void
}

const [restLeastMs, restMostMs] = [1_000, 30_000]

/** An error that stands for a decision, and not for an outage, whatever its class. */
export class Final extends Error {
  readonly error: unknown
  constructor(error: unknown) {
    super('final')
    this.error = error
  }
}

/**
 * Tries until it succeeds or the time is over, and rejects with the last error then. Any error but an outage ends it at once;
 * of a Final the error inside is thrown.
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

/** A sixtieth of the time at most, so that a short tick is not slept through. */
function restAfterMs(failures: number, { clock, forMs }: Outlasting): number {
  const mostMs = Math.min(restMostMs, Math.max(restLeastMs, forMs / 60))
  return Math.min(mostMs, restLeastMs * 2 ** (failures - 1)) * (0.5 + clock.random() / 2)
}

/** The store did not answer, or the lock was lost before the work began. */
function isOutage(error: unknown): boolean {
  return error instanceof UnavailableError || error instanceof HoldLostError
}

// The end of work under a hold: the work is asked to stop, and then has its grace to end. Owns the grace, and the error
// for work that does not end. election/lead.ts and cron/ decide when work has to stop.
import { orAborted } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import { HoldLostError } from '../base/errors.ts'
import { quoted } from '../base/printable.ts'
import { Scope } from '../base/scope.ts'

/** How long work may go on after it was asked to stop. */
export interface Grace {
  readonly clock: Clock
  readonly graceMs: number
  /** The name whose hold protects the work, for the error. */
  readonly name: string
}

/** The default grace, in ms. */
export const graceDefaultMs = 10_000

/**
 * Waits for `working`. Once `signal` aborts, waits at most `graceMs` more, and then resolves with a HoldLostError (it does
 * not reject). Resolves with undefined when the work is done; rejects as the work does.
 */
export async function awaitWithGrace(
  working: Promise<unknown>,
  signal: AbortSignal,
  grace: Grace,
): Promise<HoldLostError | undefined> {
  const scope = new Scope().onTimeoutAfter(signal, grace.clock, grace.graceMs, () => stuck(grace))
  try {
    await orAborted(working, scope.signal)
    return undefined
  } catch (error) {
    if (!scope.ended || error !== scope.signal.reason) throw error
    return error as HoldLostError
  } finally {
    scope.detach()
  }
}

/** The default error handler: emits a process warning. */
export function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)))
}

function stuck({ name, graceMs }: Grace): HoldLostError {
  return new HoldLostError(
    `the work for ${quoted(name)} still runs ${graceMs} ms after it had to stop, and is no longer protected; ` +
      'make it end when the signal of its hold aborts, or end the process',
    { code: 'LEASEHOLD_WORK_STUCK' },
  )
}

// A name that stays taken after the release of its hold. Owns the range of that time, the text that the claim shows meanwhile, and
// the errors. The store measures the time.
import type { ReleaseOptions } from '../api/hold.ts'
import { type Clock, isoTime } from '../base/clock.ts'
import { ConflictError, HoldLostError, RefusedError, SessionGoneError } from '../base/errors.ts'
import { checkOptions, number } from '../base/options.ts'
import { printable, quoted } from '../base/printable.ts'
import type { Backend, Claim, Facts } from '../contract.ts'
import { keptValue } from './holder.ts'
import { persist } from './request.ts'
import type { Session } from './session.ts'

/** A hold that ends, as far as its claim and its session are concerned. */
interface Ending {
  readonly backend: Backend
  readonly clock: Clock
  readonly session: Session
  readonly claim: Claim
}

/** Checks the options of a release, and returns how long the name stays taken. */
export function keptMs({ backend, claim }: Ending, options: ReleaseOptions): number | undefined {
  checkRelease(options, backend.facts)
  if (options.afterMs !== undefined && claim.candidate)
    throw new TypeError('afterMs: the term of an election cannot stay taken after its end; use a mutex')
  return options.afterMs
}

/** Throws TypeError or RangeError unless a hold on this store can be released like this. */
export function checkRelease(options: ReleaseOptions, { scheme, keepMs }: Facts): void {
  const { min, max } = keepMs ?? { min: 0, max: 0 }
  const takes = keepMs ? `a number of ms from ${min} to ${max} on ${scheme}` : `nothing on ${scheme}`
  const afterMs = {
    ...number({ min, max, takes }),
    alsoCalled: ['after', 'keepMs', 'keep', 'coolDownMs', 'ttlMs'],
  }
  checkOptions(options, { afterMs })
}

/**
 * Asks the store to keep the claim, until it has answered or the session is over, and then calls `leave`, which gives the turn
 * in this process on and, unless the claim is kept, removes it. Rejects with HoldLostError if the claim is not kept.
 */
export async function keepAndLeave(
  { backend, clock, session, claim }: Ending,
  ms: number,
  leave: () => Promise<void>,
): Promise<void> {
  const kept = { ms, value: keptValue(claim.value, isoTime(clock.wallMs() + ms)) }
  const request = { ...session.requests, retries: Infinity }
  try {
    const stood = await persist(request, 'keep', async (signal) => backend.keep?.(claim, kept, signal))
    if (!stood) throw notKept(claim)
  } catch (error) {
    if (error instanceof SessionGoneError) session.lose(error)
    const isFinal = [ConflictError, RefusedError, HoldLostError].some((kind) => error instanceof kind)
    throw isFinal ? error : notKept(claim, error)
  } finally {
    await leave()
  }
}

function notKept({ name }: Claim, cause?: unknown): HoldLostError {
  const why = cause instanceof Error ? `: ${printable(cause.message, 200)}` : ''
  return new HoldLostError(`${quoted(name)} does not stay taken, since the hold was lost before${why}`, {
    cause,
  })
}

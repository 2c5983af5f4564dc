// The errors of a hold that is not held, or not for long enough. Owns their messages; hold.ts and session.ts throw them.
import { HoldLostError, RefusedError } from '../base/errors.ts'
import { quoted } from '../base/printable.ts'
import { marginMs } from './lifetime.ts'

/** The work has to stop although the hold stands: it was not renewed. `cause` is the last failed renewal. */
export function short(name: string, ms: number, cause: unknown): HoldLostError {
  return new HoldLostError(
    `the hold on ${quoted(name)} was not renewed, and ${ms} ms before its deadline its work has to stop`,
    { code: 'LEASEHOLD_HOLD_SHORT', cause },
  )
}

/** The session of the hold was not confirmed in time. `cause` is the last failed renewal. */
export function expired(coveredMs: number, cause: unknown): HoldLostError {
  const why = cause instanceof RefusedError ? `: ${cause.message}` : ''
  const message = `not renewed for ${coveredMs} ms less a margin of ${marginMs(coveredMs)} ms${why}`
  return new HoldLostError(`hold lost: ${message}`, { cause, loss: 'expired' })
}

/** The store ended the session of one permit while that of the client lives on. */
export function permitEnded(name: string): HoldLostError {
  const message = `hold lost: the store ended the session of this permit of ${quoted(name)}`
  return new HoldLostError(message, { loss: 'session-gone' })
}

/** The store no longer has the claim. */
export function removed(name: string): HoldLostError {
  const message = `hold lost: the claim on ${quoted(name)} was removed from the store`
  return new HoldLostError(message, { loss: 'removed' })
}

/** A hold that was released, if no time is left; otherwise one that has less time left than the caller needs. */
export function notHeld(name: string, minMs: number, leftMs: number, cause: unknown): HoldLostError {
  if (leftMs === 0)
    return new HoldLostError(`the hold on ${quoted(name)} was released`, { code: 'LEASEHOLD_HOLD_RELEASED' })
  return new HoldLostError(
    `${Math.floor(leftMs)} ms are left of the hold on ${quoted(name)}, ${minMs} ms were asked for`,
    { code: 'LEASEHOLD_HOLD_SHORT', cause },
  )
}

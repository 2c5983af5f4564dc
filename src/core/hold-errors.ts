// The errors of a hold that is not held, or not for long enough. Owns their messages; hold.ts throws them.
import { HoldLostError } from '../base/errors.ts'
import { quoted } from '../base/printable.ts'

/** The work has to stop although the hold stands: it was not renewed. `cause` is the last failed renewal. */
export function short(name: string, ms: number, cause: unknown): HoldLostError {
  return new HoldLostError(
    `the hold on ${quoted(name)} was not renewed, and ${ms} ms before its deadline its work has to stop`,
    { code: 'LEASEHOLD_HOLD_SHORT', cause },
  )
}

/** The store no longer has the claim. */
export function removed(name: string): HoldLostError {
  return new HoldLostError(`hold lost: the claim on ${quoted(name)} was removed from the store`)
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

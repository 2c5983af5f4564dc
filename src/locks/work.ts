// Work under a hold. Owns the end that `run` has for every form of a lock: a loss is told, and the hold is released.
import type { ClaimHold } from '../core/hold.ts'

/**
 * Calls `work` while the hold stands, releases the hold, and resolves with the result of `work`. Rejects with an error of
 * `work`, or with HoldLostError if the hold was lost before `work` was done. The signal aborts `stopBeforeMs` before the
 * deadline.
 */
export async function workUnder<H extends Pick<ClaimHold, 'stopBefore' | 'assertNotLost' | 'release'>, T>(
  hold: H,
  stopBeforeMs: number,
  work: (hold: H) => T | Promise<T>,
): Promise<T> {
  hold.stopBefore(stopBeforeMs)
  try {
    const result = await work(hold)
    hold.assertNotLost()
    return result
  } finally {
    // An error of the release must not replace the error of the work. The session's end frees the lock.
    await hold.release().catch(() => {})
  }
}

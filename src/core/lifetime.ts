// The times that follow from a session's time to live and a store's facts. Owns the rule that no client counts as the
// holder for longer than the store keeps the next holder out; session.ts applies it, and docs/model shows its safety.
import type { Facts } from '../contract.ts'

/** The facts that say how long a session covers its holds. */
type Cover = Pick<Facts, 'endsEarly' | 'lockDelayMs'>

/**
 * The covered time: how long no other client can hold after the store last confirmed a session. It is the time to live
 * or, if the store may end a session at any moment, the lock-delay, which begins when the session ends.
 */
export function coveredMs(ttlMs: number, { endsEarly, lockDelayMs }: Cover): number {
  return endsEarly ? lockDelayMs : ttlMs
}

/**
 * How long before the end of the covered time a client gives up: a tenth of that time, at least 250 ms. In that time
 * the last writes of the old holder arrive before the next holder starts, and clocks may run at different rates.
 */
export function marginMs(coveredMs: number): number {
  return Math.max(250, coveredMs / 10)
}

/** The time limit of one request: a third of the covered time, so that three fit into it, and at most 3 s. */
export function requestMs(coveredMs: number): number {
  return Math.min(3_000, (coveredMs - marginMs(coveredMs)) / 3)
}

/** The usual time between renewals: a third of the time to live, and at most a third of the covered time. */
export function usualRenewalMs(ttlMs: number, facts: Facts): number {
  return Math.min(ttlMs, coveredMs(ttlMs, facts)) / 3
}

/**
 * The time between renewals of a session that has holds. It is shorter than usual if that lets holds outlive an
 * election of the store's leader. If that would need more than twenty renewals in the covered time, the usual time
 * stays, and holds do not outlive an election.
 */
export function renewalMs(ttlMs: number, facts: Facts): number {
  const covered = coveredMs(ttlMs, facts)
  const spareMs = covered - marginMs(covered) - facts.electionMs
  const usualMs = usualRenewalMs(ttlMs, facts)
  return spareMs < covered / 20 ? usualMs : Math.min(spareMs, usualMs)
}

/**
 * The time limit of the request that opens a session. It does not depend on the time to live, since no deadline depends
 * on this request. The first request of a connection takes several round trips, so on a slow network a limit derived
 * from a short time to live would always be too short.
 */
export const openingMs = 3_000

/** The default of `stopBeforeMs`: a fifth of the time to live, or the largest value if that is less. */
export function stopBeforeDefaultMs(ttlMs: number, facts: Cover): number {
  return Math.min(ttlMs / 5, stopBeforeMostMs(ttlMs, facts))
}

/**
 * The largest value of `stopBeforeMs`: half of the time from a renewal to the deadline. So the next renewal, after a
 * third of the time, is answered before the work is asked to stop.
 */
export function stopBeforeMostMs(ttlMs: number, facts: Cover): number {
  const covered = coveredMs(ttlMs, facts)
  return (covered - marginMs(covered)) / 2
}

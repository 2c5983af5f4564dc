// The times that follow from a session's time to live and a store's facts. Owns the rule that no client believes for longer
// than the store keeps the next holder out; session.ts applies it, and docs/model shows its safety.
import type { Facts } from '../contract.ts'

/** The facts that say how long a session covers its holds. */
type Cover = Pick<Facts, 'endsEarly' | 'lockDelayMs'>

/**
 * How long no other client can hold after the store last confirmed a session with this time to live: the time to live,
 * or the lock-delay where the store may end a session at any moment. A lock-delay begins when the session ends.
 */
export function coveredMs(ttlMs: number, { endsEarly, lockDelayMs }: Cover): number {
  return endsEarly ? lockDelayMs : ttlMs
}

/**
 * How much earlier than that a client gives up: a tenth of the covered time, at least 250 ms. In that time the last
 * writes of the old holder arrive before the next holder starts, and clocks may run at different rates.
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
 * The time between renewals of a session that has holds. It is shorter than usual if holds can then outlive an election of
 * the store's leader. If that takes more than twenty renewals in the covered time, holds do not outlive an election.
 */
export function renewalMs(ttlMs: number, facts: Facts): number {
  const covered = coveredMs(ttlMs, facts)
  const spareMs = covered - marginMs(covered) - facts.electionMs
  const usualMs = usualRenewalMs(ttlMs, facts)
  return spareMs < covered / 20 ? usualMs : Math.min(spareMs, usualMs)
}

/**
 * The time limit of the request that opens a session. No deadline depends on it, and the first request of a connection takes
 * several round trips: a limit by a short time to live would never be met on a slow network.
 */
export const openingMs = 3_000

/** How long before the deadline work is asked to stop by default: a fifth of the time to live, or the most if that is less. */
export function stopBeforeDefaultMs(ttlMs: number, facts: Cover): number {
  return Math.min(ttlMs / 5, stopBeforeMostMs(ttlMs, facts))
}

/**
 * The most of that: half of the time between the usual next renewal and the deadline, so that the renewal is answered before
 * the work is asked to stop.
 */
export function stopBeforeMostMs(ttlMs: number, facts: Cover): number {
  const covered = coveredMs(ttlMs, facts)
  return (covered - marginMs(covered)) / 2
}

// How long a client may believe that its session stands, and how often it asks: numbers only, from the facts of the store.
// session.ts keeps the time. docs/model has the rule behind them.
import type { Facts } from '../contract.ts'

/**
 * How long nobody else can hold after the store last confirmed a session of this time to live, whatever ends it: the time
 * to live, or, where the store may end a session at any moment, the lock-delay, which begins no earlier than then.
 */
export function coveredMs(ttlMs: number, { endsEarly, lockDelayMs }: Facts): number {
  return endsEarly ? lockDelayMs : ttlMs
}

/**
 * How much earlier a client gives up, so that what it still does in good faith arrives before the next holder starts, and
 * clocks of different rates do not matter: a tenth of the covered time, at least 250 ms.
 */
export function marginMs(coveredMs: number): number {
  return Math.max(250, coveredMs / 10)
}

/** How long one request may take: three of them fit into the life of a session, and 3 s are always enough. */
export function requestMs(coveredMs: number): number {
  return Math.min(3_000, (coveredMs - marginMs(coveredMs)) / 3)
}

/** How often a session is renewed, at least: three times in its time to live, and three times in the time that is covered. */
export function usualRenewalMs(ttlMs: number, facts: Facts): number {
  return Math.min(ttlMs, coveredMs(ttlMs, facts)) / 3
}

/**
 * How often a session is renewed on which holds stand: more often than usual where it takes that to outlive an election.
 * Where it would take more than twenty renewals in the covered time, its holds do not outlive one.
 */
export function renewalMs(ttlMs: number, facts: Facts): number {
  const covered = coveredMs(ttlMs, facts)
  const spareMs = covered - marginMs(covered) - facts.electionMs
  const usualMs = usualRenewalMs(ttlMs, facts)
  return spareMs < covered / 20 ? usualMs : Math.min(spareMs, usualMs)
}

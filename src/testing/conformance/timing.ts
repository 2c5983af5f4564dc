// How long the cases of the conformance suite may take: times to live, and what a slow store or machine adds. Numbers only.
import type { Facts } from '../../contract.ts'

/** What a slow machine or a slow store may take on top of what the facts say, in ms. */
export const slackMs = 30_000

/** The longest that a store may take to end a session of this time to live: Consul takes twice as long. */
export function expiryMs(ttlMs: number, facts: Facts): number {
  return 2 * ttlMs + facts.lockDelayMs
}

/** The time to live that clients in the cases ask for, in ms: long enough for a machine that is busy. */
export function usualTtlMs({ ttlMs: { min, max } }: Facts): number {
  return Math.min(max, Math.max(min, 15_000))
}

/** The time to live of a session that a case lets expire, in ms: short, and yet longer than a hiccup. */
export function briefTtlMs({ ttlMs: { min, max } }: Facts): number {
  return Math.min(max, Math.max(min, 2_000))
}

/** How long it may take until a client knows that the store ended its session, and until others can hold, in ms. */
export function lossMs(facts: Facts): number {
  return usualTtlMs(facts) / 3 + facts.lockDelayMs
}

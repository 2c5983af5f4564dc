// The times of the conformance suite: times to live, and allowances for a slow store or machine. Numbers only.
import type { Facts } from '../../contract.ts'

/** The allowance for a slow machine or a slow store, in ms, in addition to the times in the facts. */
export const slackMs = 30_000

/**
 * The longest time from a change in the store until a waiter learns of it, in ms. It is shorter than every time to live
 * in the cases, so a client that only asks once per time to live is too late.
 */
export const wakeMs = 5_000

/** How long a wait may take to reject after its abort, in ms. That needs no request to the store. */
export const promptMs = 2_000

/** How long a case watches that something does not happen, in ms: many times as long as a request takes. */
export const quietMs = 300

/** The longest time until a store ends a session of this time to live. Consul takes up to twice as long. */
export function expiryMs(ttlMs: number, facts: Facts): number {
  return 2 * ttlMs + facts.lockDelayMs
}

/** The longest time for which a store keeps a claim that it was asked to keep for `ms`. Consul takes up to twice as long. */
export function keptMostMs(ms: number, { scheme }: Facts): number {
  return scheme === 'consul' ? 2 * ms : ms + 3_000 // etcd counts whole seconds, and looks for expired leases now and then
}

/** The usual time to live of the clients in the cases, in ms: long enough for a busy machine. */
export function usualTtlMs({ ttlMs: { min, max } }: Facts): number {
  return Math.min(max, Math.max(min, 15_000))
}

/** The time to live of a session that a case lets expire, in ms: short, but longer than a hiccup. */
export function briefTtlMs({ ttlMs: { min, max } }: Facts): number {
  return Math.min(max, Math.max(min, 2_000))
}

/** The longest time until a client knows that the store ended its session, and until others can hold, in ms. */
export function lossMs(facts: Facts): number {
  return usualTtlMs(facts) / 3 + facts.lockDelayMs
}

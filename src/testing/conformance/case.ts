// What a case of the conformance suite is made of, and how long it may take. Owns no promise of a store: those are
// in the files named after their themes.
import type { Claim, Facts } from '../../contract.ts'
import type { Stage } from './stage.ts'

/** A case as it is written: a promise that every store keeps, and how to see that one does. */
export interface Draft {
  readonly title: string
  /** How long a store with these facts makes a sound backend wait in it, in ms; nothing to speak of without it. */
  readonly takesMs?: (facts: Facts) => number
  run(stage: Stage): Promise<void>
}

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

/** A signal that does not abort. */
export const never: AbortSignal = new AbortController().signal

/** A claim to be the only holder, made without a client; it stands in line unless it is told otherwise. */
export function claimOf(name: string, session: string, more: Partial<Claim> = {}): Claim {
  return { id: '1', name, session, permits: 1, value: '', wait: true, candidate: false, ...more }
}

/** A signal, and how to abort it. */
export function abortable(): { signal: AbortSignal; abort: (reason: unknown) => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) }
}

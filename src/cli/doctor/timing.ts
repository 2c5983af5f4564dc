// The times that follow from the time to live and the facts of a store, as findings: how long a hold counts, whether it outlives
// an election, and whether renewals are fast enough. core/lifetime.ts has the rules.
import type { Finding } from '../../base/finding.ts'
import type { Facts } from '../../contract.ts'
import { coveredMs, marginMs, renewalMs, requestMs } from '../../core/lifetime.ts'

const check = 'time to live'

/** The findings for a time to live on a store. `renewedMs` is how long a renewal took. */
export function timingFindings(ttlMs: number, facts: Facts, renewedMs: number | undefined): Finding[] {
  const covered = coveredMs(ttlMs, facts)
  const holdMs = covered - marginMs(covered)
  const limitMs = requestMs(covered)
  const data = {
    ttlMs,
    lockDelayMs: facts.lockDelayMs,
    holdMs: Math.round(holdMs),
    renewalMs: Math.round(renewalMs(ttlMs, facts)),
    requestMs: Math.round(limitMs),
  }
  const by = facts.endsEarly
    ? `the lock-delay of ${seconds(facts.lockDelayMs)}`
    : `the time to live of ${seconds(ttlMs)}`
  const text =
    `by ${by} a hold counts for ${seconds(holdMs)} after the last renewal; ` +
    `holders renew every ${seconds(renewalMs(ttlMs, facts))}`
  const hold: Finding = { check, level: 'ok', text, data }
  return [hold, ...electionFinding(holdMs, covered, facts), ...slowFinding(renewedMs, limitMs)]
}

/** The part of the covered time that must be left for a renewal, as core/lifetime.ts has it. */
const leastPart = 1 / 20

function electionFinding(holdMs: number, covered: number, { electionMs }: Facts): Finding[] {
  if (electionMs === 0 || holdMs - electionMs >= covered * leastPart) return []
  const neededMs = Math.ceil(electionMs / (0.9 - leastPart) / 1_000) * 1_000
  const text = `an election of the store's leader can take ${seconds(electionMs)}, and then every hold is lost`
  const next = `if that matters, give a lock-delay of ${neededMs} ms or more: ?lockDelayMs=${neededMs}`
  return [{ check, level: 'warning', text, next, data: { electionMs, neededMs } }]
}

function slowFinding(renewedMs: number | undefined, limitMs: number): Finding[] {
  if (renewedMs === undefined || renewedMs < limitMs / 3) return []
  const text = `a renewal took ${renewedMs} ms, and counts as not answered after ${Math.round(limitMs)} ms`
  const next = 'take a longer time to live (--ttl, ttlMs), or find out why the store is slow'
  return [{ check, level: 'warning', text, next, data: { renewedMs, limitMs: Math.round(limitMs) } }]
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}

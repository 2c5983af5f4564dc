// What is simulated: locks, elections and cron jobs each have plans, and a way to run one. Owns the list.
import { runCronPlan } from './cron/run.ts'
import { runElectionPlan } from './election/run.ts'
import { runPlan, type Verdict } from './locks/run.ts'
import type { MakeStore } from './stores.ts'

/** Runs one plan against a store of its own. */
export type Play<P> = (make: MakeStore, plan: P, options?: { readonly log?: boolean }) => Promise<Verdict>

export const kinds = { locks: runPlan, election: runElectionPlan, cron: runCronPlan } as const
export type Kind = keyof typeof kinds

/** The way to run plans of this kind. What such a plan is, its author knows. */
export function playOf<P>(kind: Kind): Play<P> {
  return kinds[kind] as unknown as Play<P>
}

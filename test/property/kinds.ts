// The kinds of simulation: locks, locks of every form, elections and cron jobs each have plans, and a function that runs one. Owns the
// list.
import { runCronPlan } from './cron/run.ts'
import { runElectionPlan } from './election/run.ts'
import { runPlan, type Verdict } from './locks/run.ts'
import { runShapesPlan } from './shapes/run.ts'
import type { MakeStore } from './stores.ts'

/** Runs one plan against a store of its own. */
export type Play<P> = (make: MakeStore, plan: P, options?: { readonly log?: boolean }) => Promise<Verdict>

export const kinds = {
  locks: runPlan,
  shapes: runShapesPlan,
  election: runElectionPlan,
  cron: runCronPlan,
} as const
export type Kind = keyof typeof kinds

/** The function that runs plans of this kind. The caller knows the type of such a plan. */
export function playOf<P>(kind: Kind): Play<P> {
  return kinds[kind] as unknown as Play<P>
}

// The type of a case of the conformance suite. Owns no case: those are in the files named after their themes.
import type { Claim, Facts } from '../../contract.ts'
import type { Stage } from './stage.ts'

/** A case as its file writes it: a promise that every store keeps, and a check of it. */
export interface Draft {
  readonly title: string
  /** How long the case takes with a sound backend of a store with these facts, in ms. Left out if nearly 0. */
  readonly takesMs?: (facts: Facts) => number
  run(stage: Stage): Promise<void>
}

/** A claim to be the only holder, made without a client. It stands in line unless `more` says otherwise. */
export function claimOf(name: string, session: string, more: Partial<Claim> = {}): Claim {
  return { id: '1', name, session, permits: 1, weight: 1, value: '', wait: true, candidate: false, ...more }
}

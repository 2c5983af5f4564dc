// What a case of the conformance suite is made of. Owns no promise of a store: those are in the files named after their
// themes.
import type { Claim, Facts } from '../../contract.ts'
import type { Stage } from './stage.ts'

/** A case as it is written: a promise that every store keeps, and how to see that one does. */
export interface Draft {
  readonly title: string
  /** How long a store with these facts makes a sound backend wait in it, in ms; nothing to speak of without it. */
  readonly takesMs?: (facts: Facts) => number
  run(stage: Stage): Promise<void>
}

/** A claim to be the only holder, made without a client; it stands in line unless it is told otherwise. */
export function claimOf(name: string, session: string, more: Partial<Claim> = {}): Claim {
  return { id: '1', name, session, permits: 1, value: '', wait: true, candidate: false, ...more }
}

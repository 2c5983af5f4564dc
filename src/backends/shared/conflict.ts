// The error for a name that is used for something else. Owns the words; each backend finds out what the name is used
// for.
import { ConflictError } from '../../base/errors.ts'
import type { Claim } from '../../contract.ts'

/** The present use of a name. */
export interface Use {
  /** How many may hold the name in its present use. Undefined if a key is there that is no lock. */
  readonly permits: number | undefined
  /** The key in the way, if nobody holds it, so an operator may delete it. */
  readonly leftOver?: string | undefined
}

/**
 * The ConflictError for a claim on a name that is used for something else. Its message states the present use, the use
 * that was asked for, and what to do.
 */
export function inUse({ name, permits }: Pick<Claim, 'name' | 'permits'>, use: Use): ConflictError {
  const found = use.permits === undefined ? 'for something else than a lock' : `as ${kindOf(use.permits)}`
  const asked = `this asks for ${kindOf(permits)}`
  return new ConflictError(`${JSON.stringify(name)} is in use ${found}; ${asked}: ${adviceFor(use)}`)
}

function adviceFor({ permits, leftOver }: Use): string {
  if (leftOver !== undefined) {
    return `choose another name, or delete the key ${JSON.stringify(leftOver)} if nobody uses it any more`
  }
  if (permits === undefined) return 'choose another name'
  return 'use the name with the same permits everywhere, or choose another name'
}

function kindOf(permits: number): string {
  return permits === 1 ? 'a mutex' : `a semaphore with ${permits} permits`
}

// The error for a name that is used for something else. Owns its message; each backend finds out what the name is used
// for.
import { ConflictError } from '../../base/errors.ts'
import { quoted } from '../../base/printable.ts'
import { cohortPermits, formOf } from '../../base/shapes.ts'
import type { Claim } from '../../contract.ts'

/** The present use of a name. */
export interface Use {
  /** How many may hold the name in its present use. Undefined if a key that is not a lock uses the name. */
  readonly permits: number | undefined
  /** The key that is in the way, if it is a single one. */
  readonly key?: string | undefined
  /** Whether nobody holds that key, so that an operator may delete it. */
  readonly leftOver?: boolean | undefined
}

/**
 * The ConflictError for a claim on a name that is used for something else. Its message states the present use, the use
 * that was asked for, and what to do.
 */
export function inUse({ name, permits }: Pick<Claim, 'name' | 'permits'>, use: Use): ConflictError {
  const found = use.permits === undefined ? 'for something other than a lock' : `as ${formOf(use.permits)}`
  const asked = `this asks for ${formOf(permits)}`
  return new ConflictError(`${quoted(name)} is in use ${found}; ${asked}: ${adviceFor(use)}`)
}

/**
 * Throws ConflictError if the name is in use in another form, by the first claim in line, or if it is one of `cohorts`: these keep
 * the form of a mutex with `handoff`. The name of such a claim becomes one of them.
 */
export function checkForm({ name, permits }: Claim, first: Claim | undefined, cohorts: Set<string>): void {
  const present = first?.permits ?? (cohorts.has(name) ? cohortPermits : permits)
  if (present !== permits) throw inUse({ name, permits }, { permits: present })
  if (permits === cohortPermits) cohorts.add(name)
}

function adviceFor({ permits, key, leftOver }: Use): string {
  if (key !== undefined && leftOver) {
    return `choose another name, or delete the key ${quoted(key)} if nobody uses it any more`
  }
  if (permits === undefined)
    return `choose another name${key === undefined ? '' : `; the key is ${quoted(key)}`}`
  return 'use the name in the same form everywhere, or choose another name'
}

// The line of one name in a store in memory, and the answers that only read it. backend.ts owns the lines.
import type { Claim, NameState, Overtaking, Standing } from '../../contract.ts'
import { byName } from '../shared/names.ts'

/** A claim in a line. Its ticket is its token: tickets only grow, and lines are served in order. */
export interface Place {
  readonly claim: Claim
  readonly ticket: bigint
  /** The text about the claim that others read. */
  readonly value: string
}

/** Finds the place of a claim. */
export function isOf({ session, id }: Claim): (place: Place) => boolean {
  return ({ claim }) => claim.session === session && claim.id === id
}

/** `line` of the contract. */
export function standings(line: readonly Place[]): Standing[] {
  return line.map(({ claim, value, ticket: token }, index) => {
    return { session: claim.session, value, token, held: index < claim.permits, priority: claim.priority }
  })
}

/** `survey` of the contract. */
export function survey(lines: ReadonlyMap<string, readonly Place[]>, prefix: string): NameState[] {
  return [...lines]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, line]) => ({ name, permits: line[0]?.claim.permits, claims: standings(line) }))
    .sort(byName)
}

/** The places that `overtake` of the contract removes. Undefined if the claims are not in their places any more. */
export function passed(
  [first, ...others]: readonly Place[],
  { holder, target, waiting }: Overtaking,
): readonly Place[] | undefined {
  const between = others.filter(({ ticket }) => waiting.includes(ticket))
  const mayPass =
    between.length === waiting.length && between.every(({ claim }) => claim.priority !== undefined)
  const isThere = first?.ticket === holder && others.some(({ ticket }) => ticket === target)
  return mayPass && isThere ? between : undefined
}

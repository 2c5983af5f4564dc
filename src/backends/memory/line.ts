// The line of one name in a store in memory, and the answers that only read it. backend.ts owns the lines.
import type { Attempt, Claim, Leader, NameState, Standing } from '../../contract.ts'
import { byName } from '../shared/names.ts'
import { ahead, fits, weigh } from '../shared/room.ts'

/** A claim in a line. Its ticket is its token: tickets only grow, and lines are served in order. */
export interface Place {
  readonly claim: Claim
  readonly ticket: bigint
  readonly weight: number
  /** The text about the claim that others read. */
  readonly value: string
}

/** Finds the place of a claim. */
export function isOf({ session, id }: Claim): (place: Place) => boolean {
  return ({ claim }) => claim.session === session && claim.id === id
}

/** Whether the claim at this place of its line holds. */
export function holdsAt(line: readonly Place[], index: number): boolean {
  const place = line[index]
  return place !== undefined && fits({ ...place.claim, weight: place.weight }, weigh(line.slice(0, index)))
}

/** The answer to a claim, also if it is not in the line. */
export function answerTo(claim: Claim, line: readonly Place[]): Attempt {
  const index = line.findIndex(isOf(claim))
  if (line[index] && holdsAt(line, index)) return { held: true, token: line[index].ticket }
  const before = index < 0 ? line : line.slice(0, index)
  return { held: false, ahead: ahead(claim, weigh(before), before.length) }
}

/** The first claim of a line, as its leader. */
export function leaderOf([place]: readonly Place[]): Leader | undefined {
  return place && { value: place.value, token: place.ticket, session: place.claim.session }
}

/** `line` of the contract. */
export function standings(line: readonly Place[]): Standing[] {
  return line.map(({ claim: { session, priority }, value, weight, ticket: token }, index) => {
    return { session, value, token, held: holdsAt(line, index), priority, ...(weight > 1 && { weight }) }
  })
}

/** `survey` of the contract. */
export function survey(lines: ReadonlyMap<string, readonly Place[]>, prefix: string): NameState[] {
  return [...lines]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, line]) => ({ name, permits: line[0]?.claim.permits, claims: standings(line) }))
    .sort(byName)
}

// Which claims of a line get another answer when it changes, so that only those are woken. Owns no line and no wait: the store in
// memory changes lines, and listeners.ts has the functions to call.
import type { Claim } from '../../contract.ts'
import { fits } from './room.ts'

/** A claim in a line. A change of the claim makes another place of it. */
interface Standing {
  readonly claim: Claim
  readonly weight: number
}

/** The key of a claim among all that wait. */
export function keyOf({ name, session, id }: Claim): string {
  return `${session} ${id} ${name}`
}

/**
 * The keys of the claims whose answer is another one after a change of their line: they left it or were changed, or they hold now. Costs one
 * pass over the line.
 */
export function keysOfNews(before: readonly Standing[], after: readonly Standing[]): string[] {
  const held = new Set(holders(before))
  const gone = after.length > before.length ? [] : without(before, after) // a claim that joins changes no other one
  const begin = holders(after).filter((place) => !held.has(place))
  return [...gone, ...begin].map(({ claim }) => keyOf(claim))
}

/** The claims of a line that hold. They are its first ones: the weight of each claim counts for all after it. */
function holders(line: readonly Standing[]): readonly Standing[] {
  let taken = 0
  const last = line.findIndex(({ claim: { permits }, weight }) => {
    const isIn = fits({ permits, weight }, taken)
    taken += weight
    return !isIn
  })
  return last < 0 ? line : line.slice(0, last)
}

/** The places of a line that are not in another one. */
function without(line: readonly Standing[], other: readonly Standing[]): readonly Standing[] {
  const there = new Set(other)
  return line.filter((place) => !there.has(place))
}

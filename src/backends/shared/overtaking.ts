// The check of `overtake` for the stores that see the whole line at once. Owns when claims may be removed for another.
import type { Overtaking, Standing } from '../../contract.ts'

/**
 * The waiting claims that `overtake` of the contract removes, and the one that moves forward behind them. Undefined if the
 * claims are not in their places any more.
 */
export function passed(
  [first, ...others]: readonly Standing[],
  { holder, target, waiting }: Overtaking,
): readonly Standing[] | undefined {
  const between = others.filter(({ token, priority }) => waiting.includes(token) && priority !== undefined)
  const last = others.find(({ token }) => token === target)
  if (first?.token !== holder || !last || between.length < waiting.length) return undefined
  return [...between, last]
}

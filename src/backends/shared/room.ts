// The one rule of admission, which the stores in memory, etcd and Consul share: a claim holds when the weights of all
// claims before it, and its own, fit into the permits. The store in a file has the same rule in its SQL.
import type { Claim } from '../../contract.ts'

/** The size of a claim and of its name. */
export type Sized = Pick<Claim, 'permits' | 'weight'>

/** Whether a claim holds if the claims before it take so many permits. */
export function fits({ permits, weight }: Sized, taken: number): boolean {
  return taken + weight <= permits
}

/** The number of claims between a claim that does not fit and the lock, if `count` claims before it take so many permits. */
export function ahead({ permits, weight }: Sized, taken: number, count: number): number {
  return Math.max(1, Math.min(count, taken + weight - permits))
}

/** The sum of the weights of claims. */
export function weigh(claims: readonly { readonly weight: number }[]): number {
  return claims.reduce((sum, { weight }) => sum + weight, 0)
}

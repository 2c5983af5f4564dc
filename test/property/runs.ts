// How many plans of each kind one `npm test` tries. Owns the number from which all of them follow.

/**
 * Plans of locks for each store: more than the mutant needs that is hardest to find by them, with 868. A mutant that needs
 * more names a test of its own, which costs less. `LEASEHOLD_RUNS` asks for another number, as the mutants do.
 */
export const lockRuns = Number(process.env.LEASEHOLD_RUNS ?? 1_000)

/** The number for plans that take so many times as long as those of locks, or test less. */
export function oneIn(times: number): number {
  return Math.ceil(lockRuns / times)
}

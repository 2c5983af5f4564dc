// The forms that a lock can have, as numbers of permits, and their names for people. Owns the numbers that tell a lock of
// readers and writers, and a mutex with `handoff`, apart from a semaphore.

/** The most permits of a semaphore. */
export const permitsMax = 10_000

/**
 * The permits of a lock of readers and writers: a reader takes one of them, a writer all. No semaphore has so many. It is
 * far above the number of claims that a store can keep on one name.
 */
export const sharedPermits = 1_000_000

/**
 * The permits of a mutex with `handoff`; each of its claims takes them all. No other form has so many, so no claim of another
 * form shares the name. A store that has admitted such a claim keeps the name in this form: its tokens are larger than those
 * of every other form.
 */
export const cohortPermits = 999_999

/** How many tokens one admission of a mutex with `handoff` has: that of the store times this number, and those up to the next. */
export const tokensEach = 65_536

/** Whether a claim of so many permits is one thing in a store, and not a number of units: no semaphore has so many. */
export function isUndivided(permits: number): boolean {
  return permits > permitsMax
}

/** The form of a lock with so many permits: "a mutex", "a semaphore with 4 permits". */
export function formOf(permits: number): string {
  if (permits === 1) return 'a mutex'
  if (permits === cohortPermits) return 'a mutex with `handoff`'
  return permits === sharedPermits ? 'a lock of readers and writers' : `a semaphore with ${permits} permits`
}

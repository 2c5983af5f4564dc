// The forms that a lock can have, as numbers of permits, and their names for people. Owns the number that tells a lock of
// readers and writers apart from a semaphore.

/** The most permits of a semaphore. */
export const permitsMax = 10_000

/**
 * The permits of a lock of readers and writers: a reader takes one of them, a writer all. No semaphore has so many. It is
 * far above the number of claims that a store can keep on one name.
 */
export const sharedPermits = 1_000_000

/** The form of a lock with so many permits: "a mutex", "a semaphore with 4 permits". */
export function formOf(permits: number): string {
  if (permits === 1) return 'a mutex'
  return permits === sharedPermits ? 'a lock of readers and writers' : `a semaphore with ${permits} permits`
}

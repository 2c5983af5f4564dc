// @ts-check
// The sizes of every series of the scale bench, as near as the time allows to those of `before.mjs`. Data only.

/**
 * By series, its sizes; `restMs` is how long holds are watched at rest.
 *
 * @typedef {{ holds?: number[], restMs?: number, waiters?: number[], permits?: number[], takenPermits?: number[], processes?: number[],
 *   timeouts?: number[], observers?: number[], names?: number[], guards?: number[], connects?: number[] }} Sizes
 */

/**
 * Three rounds of looking after holds, with the default time to live: a round comes after a third of that, less 5 % on average. In a
 * time that is no multiple of it there are sometimes more rounds, and sometimes less.
 */
const threeRoundsMs = 3 * 5_000 * 0.95

/** With the whole sizes a run takes about eight minutes, with the small ones about two. @type {Record<'whole' | 'small', Record<import('./stores.mjs').Store['kind'], Sizes>>} */
export const sizes = {
  whole: {
    etcd: {
      holds: [100, 1_000, 10_000],
      restMs: threeRoundsMs,
      waiters: [10, 100, 500],
      permits: [1, 10, 100],
      takenPermits: [1, 10, 100],
      processes: [1, 4, 12],
      timeouts: [10, 100, 1_000],
      observers: [10, 100, 1_000],
      names: [1_000, 10_000],
      guards: [20, 200],
    },
    consul: {
      holds: [10, 100, 1_000, 10_000],
      restMs: threeRoundsMs,
      waiters: [10, 100, 500],
      permits: [1, 10, 40],
      takenPermits: [1, 10, 100],
      processes: [1, 4, 12],
      timeouts: [10, 100, 1_000],
      observers: [10, 100, 1_000],
      names: [1_000, 5_000],
      guards: [20, 200],
    },
    file: {
      holds: [10, 100, 1_000, 10_000],
      restMs: threeRoundsMs,
      waiters: [10, 100, 500],
      permits: [1, 10, 100],
      takenPermits: [1, 10, 100],
      processes: [1, 4, 12],
      timeouts: [10, 100, 1_000],
      observers: [10, 100, 1_000],
      names: [1_000, 10_000],
      guards: [20, 200],
      connects: [50, 100, 200, 400],
    },
    memory: {
      holds: [100, 1_000, 10_000],
      restMs: 2_000,
      waiters: [10, 50, 250],
      permits: [1, 10, 100],
      takenPermits: [1, 10, 100],
    },
  },
  small: {
    etcd: {
      holds: [100, 1_000],
      restMs: 5_000,
      waiters: [10, 50],
      permits: [1, 10],
      takenPermits: [1, 10],
      timeouts: [10, 100],
      observers: [10, 100],
    },
    consul: {
      holds: [10, 100],
      restMs: 5_000,
      waiters: [10, 50],
      permits: [1, 10],
      takenPermits: [1, 10],
      timeouts: [10, 100],
      observers: [10, 100],
    },
    file: {
      holds: [10, 1_000],
      restMs: 2_000,
      waiters: [10, 50],
      permits: [1, 10],
      takenPermits: [1, 10],
      timeouts: [10, 100],
      observers: [10, 100],
      connects: [25, 50, 100],
    },
    memory: {
      holds: [100, 1_000],
      restMs: 1_000,
      waiters: [10, 50],
      permits: [1, 10],
      takenPermits: [1, 10],
    },
  },
}

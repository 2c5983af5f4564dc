// @ts-check
// How things are measured: in rounds, A B C A B C …, so that other load on the machine affects all of them alike. Owns
// the clock of the bench; the benches own the measured calls.

/**
 * @typedef {object} Measure
 * @property {string} id
 * @property {() => Promise<number[]>} batch one or more samples
 */

/** The monotonic clock in ms, one for all processes of this machine. */
export const now = () => Number(process.hrtime.bigint()) / 1e6

/** @param {number} ms @returns {Promise<void>} */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Calls every measure once in each round, until `seconds` are over; the first round only warms up. Resolves
 * with the samples of each, by its id.
 *
 * @param {number} seconds
 * @param {readonly Measure[]} measures
 * @returns {Promise<Record<string, number[]>>}
 */
export async function inRounds(seconds, measures) {
  for (const { batch } of measures) await batch()
  /** @type {Record<string, number[]>} */
  const samples = Object.fromEntries(measures.map(({ id }) => [id, []]))
  const end = now() + seconds * 1_000
  do {
    for (const { id, batch } of measures) samples[id]?.push(...(await batch()))
  } while (now() < end)
  return samples
}

/**
 * A batch that does the same thing `times` times and measures each, in ms. Each one begins in a separate turn of the
 * event loop.
 *
 * @param {number} times
 * @param {() => unknown} run
 */
export function timed(times, run) {
  return async () => {
    const samples = []
    for (let time = 0; time < times; time += 1) {
      await new Promise(setImmediate)
      const start = now()
      await run()
      samples.push(now() - start)
    }
    return samples
  }
}

/**
 * A batch for work that is too short for the clock: one sample, the mean time of `times` runs in ms.
 *
 * @param {number} times
 * @param {() => unknown} run
 */
export function meanOf(times, run) {
  return async () => {
    const start = now()
    for (let time = 0; time < times; time += 1) await run()
    return [(now() - start) / times]
  }
}

/**
 * A batch that lets `runs` loop side by side for `ms`. Its one sample is the number of runs per second. `spent` takes the
 * processor time of this process for each run, in µs.
 *
 * @param {number} ms
 * @param {readonly (() => Promise<unknown>)[]} runs
 * @param {number[]} [spent]
 */
export function perSecond(ms, runs, spent) {
  return async () => {
    const start = now()
    const before = process.cpuUsage()
    let done = 0
    const loop = async (/** @type {() => Promise<unknown>} */ run) => {
      while (now() - start < ms) {
        await run()
        done += 1
      }
    }
    await Promise.all(runs.map(loop))
    const { user, system } = process.cpuUsage(before)
    spent?.push((user + system) / done)
    return [(1_000 * done) / (now() - start)]
  }
}

/**
 * The same for `count` loops, each on its own name.
 *
 * @param {number} ms
 * @param {number} count
 * @param {(name: string) => () => Promise<unknown>} run
 * @param {number[]} [spent]
 */
export function atATime(ms, count, run, spent) {
  const runs = Array.from({ length: count }, (_, index) => run(`bench-many-${count}-${index}`))
  return perSecond(ms, runs, spent)
}

// @ts-check
// Samples and their statistics. Pure functions.

/** The middle sample. @param {readonly number[]} samples */
export function median(samples) {
  return percentile(samples, 0.5)
}

/**
 * The smallest sample that at least this share of all samples does not exceed.
 *
 * @param {readonly number[]} samples
 * @param {number} share
 */
export function percentile(samples, share) {
  const sorted = [...samples].sort((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

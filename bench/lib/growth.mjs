// @ts-check
// How a figure grows with a size: the exponent of the power law that fits the samples best, and the table of such series.
// Pure functions.

/** @typedef {{ size: number, value: number | null }} Point `value` is null if the measurement did not end in time */
/**
 * @typedef {object} Series
 * @property {string} store
 * @property {string} what
 * @property {string} unit
 * @property {Point[]} points
 * @property {number | null} exponent
 * @property {string} before the same as it was measured before the curves were made flat, if it was
 */

/**
 * @param {string} store
 * @param {string} what
 * @param {string} unit
 * @param {Point[]} points
 * @param {string} [before]
 * @returns {Series}
 */
export function series(store, what, unit, points, before = '') {
  return { store, what, unit, points, exponent: exponent(points), before }
}

/**
 * The slope of the straight line through the logarithms, by least squares: 0 is flat, 1 is linear. Null for fewer than two
 * points. A value of 0 has no logarithm, so it counts as a hundredth of the largest one.
 *
 * @param {readonly Point[]} points
 */
export function exponent(points) {
  const known = points.flatMap(({ size, value }) => (value === null ? [] : [{ size, value }]))
  const largest = Math.max(...known.map(({ value }) => value))
  if (known.length < 2 || !(largest > 0)) return null
  const xs = known.map(({ size }) => Math.log(Math.max(1, size)))
  const ys = known.map(({ value }) => Math.log(value > 0 ? value : largest / 100))
  const mean = (/** @type {number[]} */ all) => all.reduce((sum, each) => sum + each, 0) / all.length
  const [x0, y0] = [mean(xs), mean(ys)]
  const over = xs.reduce((sum, x, index) => sum + (x - x0) * ((ys[index] ?? 0) - y0), 0)
  const under = xs.reduce((sum, x) => sum + (x - x0) ** 2, 0)
  return under === 0 ? null : over / under
}

/** The series as rows of a table in Markdown. @param {readonly Series[]} all */
export function growthTable(all) {
  const head = ['store', 'series', 'sizes', 'values', 'exponent', 'before']
  const rows = all.map(({ store, what, unit, points, exponent, before }) => [
    store,
    what,
    points.map(({ size }) => size.toLocaleString('en')).join(' / '),
    `${points.map(({ value }) => short(value)).join(' / ')} ${unit}`,
    exponent === null ? '' : exponent.toFixed(1).replace('-0.0', '0.0'),
    before,
  ])
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

/** At most three significant digits. @param {number | null} value */
export function short(value) {
  if (value === null) return 'not in time'
  if (value === 0) return '0'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(value >= 10 ? 3 : 2)))
}

// @ts-check
// The histogram of waits, as SVG. Owns its classes of length and its bars.

/** @import { Model } from './model.mjs' */
/** @typedef {'served' | 'left' | 'now'} Outcome */

const space = 'http://www.w3.org/2000/svg'
/** The upper ends of the classes in ms, and their labels. A look takes place once per second, so nothing is finer. */
const classes = /** @type {const} */ ([
  [1_000, '< 1 s'],
  [3_000, '1–3 s'],
  [10_000, '3–10 s'],
  [30_000, '10–30 s'],
  [120_000, '½–2 min'],
  [600_000, '2–10 min'],
  [Number.POSITIVE_INFINITY, '> 10 min'],
])
const outcomes = /** @type {const} */ (['served', 'left', 'now'])
const [width, height, foot] = [420, 170, 24]

/**
 * Draws the waits that are over and those that go on.
 * @param {Element} svg
 * @param {Model} model
 * @param {(name: string) => boolean} isWanted
 */
export function showWaits(svg, model, isWanted) {
  const counts = classes.map(() => ({ served: 0, left: 0, now: 0 }))
  const add = (/** @type {number} */ ms, /** @type {Outcome} */ outcome) => {
    const entry = counts[classes.findIndex(([end]) => ms < end)]
    if (entry) entry[outcome] += 1
  }
  for (const { name, ms, held } of model.waits) if (isWanted(name)) add(ms, held ? 'served' : 'left')
  for (const { name, waiters } of model.names.values())
    if (isWanted(name))
      for (const { seen, asked } of waiters) add(model.nowMs - (seen ?? asked ?? model.nowMs), 'now')
  const text = JSON.stringify(counts)
  if (svg.getAttribute('data-shown') === text) return
  svg.setAttribute('data-shown', text)
  svg.setAttribute('aria-label', labelOf(counts))
  const most = Math.max(1, ...counts.map((each) => each.served + each.left + each.now))
  const floor = shape('line', { x1: 0, x2: width, y1: height - foot, y2: height - foot })
  svg.replaceChildren(floor, ...counts.flatMap((each, index) => column(each, index, most)))
}

/**
 * @param {Record<Outcome, number>} counts
 * @param {number} index
 * @param {number} most
 */
function column(counts, index, most) {
  const step = width / classes.length
  const middle = step * (index + 0.5)
  const total = counts.served + counts.left + counts.now
  let top = height - foot
  const bars = outcomes.flatMap((outcome) => {
    const tall = (counts[outcome] / most) * (height - foot - 20)
    top -= tall
    if (tall === 0) return []
    return [shape('rect', { class: outcome, x: middle - 17, y: top, width: 34, height: tall, rx: 2 })]
  })
  const label = shape('text', { x: middle, y: height - 8 }, classes[index]?.[1] ?? '')
  const count = shape(
    'text',
    { class: 'count', x: middle, y: top - 5 },
    total === 0 ? '' : total.toLocaleString('en'),
  )
  return [...bars, label, count]
}

/** @param {readonly Record<Outcome, number>[]} counts */
function labelOf(counts) {
  const told = counts.flatMap(({ served, left, now }, index) =>
    served + left + now === 0
      ? []
      : [`${classes[index]?.[1]}: ${served} served, ${left} left, ${now} waiting`],
  )
  return `Waits by their length. ${told.join('; ') || 'There are none'}`
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function shape(tag, attributes, text = '') {
  const element = document.createElementNS(space, tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  element.textContent = text
  return element
}

// @ts-check
// The timeline: one lane for each name, with the times in which claims held it and the ticks of cron jobs.

import { duration, foreignText, make, match, plain, setForeign, setText, timeOfDay } from './dom.mjs'

/** @import { Gap, JobView, Span } from '../ui-messages.ts' */
/** @import { Model } from './model.mjs' */
/** @typedef {{ name: string, spans: Span[], ticks: JobView[] }} Lane */
/** @typedef {{ fromMs: number, toMs: number }} Extent */

const lanesMost = 24
const hues = 8

/**
 * Draws the last `windowMs`, and returns how many lanes were left out.
 * @param {HTMLElement} element
 * @param {Model} model
 * @param {{ windowMs: number, isWanted: (name: string) => boolean }} options
 */
export function showTimeline(element, model, { windowMs, isWanted }) {
  const toMs = model.nowMs
  const extent = { fromMs: toMs - windowMs, toMs }
  const all = lanesOf(model, extent, isWanted)
  const shown = all.slice(0, lanesMost).sort((one, other) => (one.name < other.name ? -1 : 1))
  const [lanes, axis] = frameOf(element)
  match(
    lanes,
    shown,
    ({ name }) => name,
    newLane,
    (lane, { spans, ticks }) => {
      const track = /** @type {HTMLElement} */ (lane.lastElementChild)
      showMarks(track, [...spans, ...ticks, ...model.gaps.filter(({ to }) => to > extent.fromMs)], extent)
    },
  )
  showAxis(axis, extent)
  element.setAttribute(
    'aria-label',
    `Timeline of the holders of ${shown.length} names; the list of changes says the same`,
  )
  return all.length - shown.length
}

/**
 * @param {HTMLElement} element
 * @returns {[lanes: HTMLElement, axis: HTMLElement]}
 */
function frameOf(element) {
  if (!element.firstElementChild) {
    const lanes = make('div', 'lanes')
    lanes.style.display = 'contents'
    element.append(lanes, make('div', 'axis'))
  }
  return /** @type {[HTMLElement, HTMLElement]} */ ([element.firstElementChild, element.lastElementChild])
}

/**
 * The lanes with something to show, the latest news first.
 * @param {Model} model
 * @param {Extent} extent
 * @param {(name: string) => boolean} isWanted
 */
function lanesOf(model, { fromMs, toMs }, isWanted) {
  /** @type {Map<string, Lane & { newsMs: number }>} */
  const lanes = new Map()
  const laneOf = (/** @type {string} */ name, /** @type {number} */ newsMs) => {
    const lane = lanes.get(name) ?? { name, spans: [], ticks: [], newsMs }
    lane.newsMs = Math.max(lane.newsMs, newsMs)
    lanes.set(name, lane)
    return lane
  }
  for (const span of model.spans.values())
    if ((span.to ?? toMs) > fromMs && isWanted(span.name))
      laneOf(span.name, span.to ?? span.from).spans.push(span)
  for (const tick of model.ticks)
    if (tick.tick > fromMs && isWanted(tick.name)) laneOf(tick.name, tick.tick).ticks.push(tick)
  return [...lanes.values()].sort((one, other) => other.newsMs - one.newsMs)
}

/** @param {Lane} lane */
function newLane({ name }) {
  const label = foreignText('name', name)
  label.title = plain(name)
  return make('div', 'lane', label, make('div', 'track'))
}

/**
 * @param {HTMLElement} track
 * @param {readonly (Span | JobView | Gap)[]} marks
 * @param {Extent} extent
 */
function showMarks(track, marks, extent) {
  const keyOf = (/** @type {Span | JobView | Gap} */ mark) =>
    'id' in mark ? `span ${mark.id}` : 'tick' in mark ? `tick ${mark.tick}` : `gap ${mark.from}`
  match(track, marks, keyOf, newMark, (element, mark) => {
    if ('id' in mark) return showSpan(element, mark, extent)
    if ('tick' in mark) return place(element, mark.tick, undefined, extent)
    place(element, mark.from, mark.to, extent)
  })
}

/** @param {Span | JobView | Gap} mark */
function newMark(mark) {
  if ('id' in mark) {
    const bar = foreignText('span-bar', mark.who)
    bar.dataset.hue = String(hueOf(mark.who))
    return bar
  }
  const element = make('span', 'tick' in mark ? 'tick' : 'gap')
  element.title =
    'tick' in mark ? `tick of ${timeOfDay(mark.tick)}, taken by ${plain(mark.by)}` : gapTitle(mark)
  return element
}

/** @param {Gap} gap */
function gapTitle({ reason }) {
  return reason === 'unwatched' ? 'nobody had the page open' : 'the store did not answer'
}

/**
 * @param {HTMLElement} bar
 * @param {Span} span
 * @param {Extent} extent
 */
function showSpan(bar, { who, token, from, to, whole }, extent) {
  const end = to ?? extent.toMs
  place(bar, from, end, extent)
  const share = (end - Math.max(from, extent.fromMs)) / (extent.toMs - extent.fromMs)
  bar.dataset.open = String(to === null)
  bar.dataset.thin = String(share < 0.06)
  setForeign(bar, share < 0.06 ? '' : who)
  bar.title = `${plain(who)}, token ${token}, ${whole ? '' : 'at least '}${duration(end - from)}, from ${timeOfDay(from)}`
}

/**
 * @param {HTMLElement} element
 * @param {number} from
 * @param {number | undefined} to
 * @param {Extent} extent
 */
function place(element, from, to, { fromMs, toMs }) {
  const percent = (/** @type {number} */ ms) =>
    (100 * (Math.min(Math.max(ms, fromMs), toMs) - fromMs)) / (toMs - fromMs)
  element.style.left = `${percent(from).toFixed(3)}%`
  if (to !== undefined) element.style.width = `${(percent(to) - percent(from)).toFixed(3)}%`
}

/**
 * @param {HTMLElement} axis
 * @param {Extent} extent
 */
function showAxis(axis, { fromMs, toMs }) {
  const steps = [0, 1, 2, 3, 4]
  match(
    axis,
    steps,
    String,
    () => make('span'),
    (label, step) => {
      label.style.left = `${25 * step}%`
      setText(label, step === 4 ? 'now' : timeOfDay(fromMs + ((toMs - fromMs) * step) / 4))
    },
  )
}

/** The same colour for the same holder. @param {string} who */
function hueOf(who) {
  let sum = 7
  for (const character of who) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973
  return sum % hues
}

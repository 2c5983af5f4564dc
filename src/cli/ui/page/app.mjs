// @ts-check
// The page of `leasehold ui`: receives the events of the server, and draws once per second and after each change. The other
// modules draw their own parts.

import { askToBreak } from './break.mjs'
import { showChanges } from './changes.mjs'
import { showWaits } from './chart.mjs'
import { byId, duration, setForeign, setText } from './dom.mjs'
import { Model } from './model.mjs'
import { showJobs, showNames } from './tables.mjs'
import { showTimeline } from './timeline.mjs'

/** @import { NameView } from '../ui-messages.ts' */

const rowsStep = 100

const model = new Model()
const filter = /** @type {HTMLInputElement} */ (byId('filter'))
const windowChoice = /** @type {HTMLSelectElement} */ (byId('window'))
/** How many rows each table shows at most. @type {Record<string, number>} */
const rows = { locks: rowsStep, elections: rowsStep }
/** Whether the server answers, and whether it knows this browser. @type {'connecting' | 'connected' | 'away' | 'refused'} */
let link = 'connecting'
/** @type {EventSource | undefined} */
let open
let lastEventMs = 0
/** After this time without an event, in ms, the page connects anew. */
const silentMost = 5_000

// The token has become a cookie: it does not stay in the address bar, in the history or on a screenshot.
if (location.search) history.replaceState(null, '', location.pathname)

connect()
setInterval(draw, 1_000)
filter.addEventListener('input', draw)
windowChoice.addEventListener('change', draw)
for (const id of Object.keys(rows)) byId(`${id}-more`).addEventListener('click', () => showMore(id))

/** The browser connects again by itself after a broken connection, but not after an answer other than 200. */
function connect() {
  const source = new EventSource('/events')
  open = source
  lastEventMs = Date.now()
  const on = (/** @type {string} */ type, /** @type {(data: any) => void} */ take) =>
    source.addEventListener(type, ({ data }) => {
      link = 'connected'
      lastEventMs = Date.now()
      take(JSON.parse(data))
      drawSoon()
    })
  on('state', (state) => model.setState(state))
  on('change', (change) => model.apply(change))
  on('pulse', (pulse) => model.setPulse(pulse))
  source.onerror = () => {
    link = 'away'
    if (source.readyState === EventSource.CLOSED) void connectLater()
    drawSoon()
  }
}

/** A connection that is silent is dead: this machine slept, or the server was stopped. A pulse comes once per second. */
function reconnectIfSilent() {
  if (link !== 'connected' || Date.now() - lastEventMs < silentMost) return
  link = 'away'
  open?.close()
  connect()
}

async function connectLater() {
  const answer = await fetch('/events', { method: 'HEAD' }).catch(() => undefined)
  if (answer?.status === 401) link = 'refused'
  else setTimeout(connect, 2_000)
}

let isDue = false

/** Several events of one moment are drawn once. */
function drawSoon() {
  if (isDue) return
  isDue = true
  setTimeout(() => {
    isDue = false
    draw()
  }, 16)
}

function draw() {
  reconnectIfSilent()
  model.forget()
  showHealth()
  const wanted = filter.value.toLowerCase()
  const isWanted = (/** @type {string} */ name) => name.toLowerCase().includes(wanted)
  const views = [...model.names.values()].filter(({ name }) => isWanted(name))
  views.sort((one, other) => (one.name < other.name ? -1 : 1))
  showTotals(views)
  const isElection = (/** @type {NameView} */ { kind }) => kind === 'election'
  showTable(
    'locks',
    views.filter((view) => !isElection(view)),
  )
  showTable('elections', views.filter(isElection))
  showTicks(isWanted)
  showWaits(byId('waits'), model, isWanted)
  showIf('changes', showChanges(byId('changes'), model, isWanted) > 0)
}

/** @param {(name: string) => boolean} isWanted */
function showTicks(isWanted) {
  const jobs = model.jobs.filter(({ name }) => isWanted(name)).slice(0, rowsStep)
  showJobs(bodyOf('jobs'), jobs, model)
  showIf('jobs', jobs.length > 0)
  const left = showTimeline(byId('timeline'), model, { windowMs: Number(windowChoice.value), isWanted })
  setText(
    byId('timeline-more'),
    left > 0 ? `${left.toLocaleString('en')} more names are not in the timeline.` : '',
  )
}

/** The words for each state of the page. */
const healthTexts = {
  live: 'Live',
  connecting: 'Connecting',
  unanswered: 'The store does not answer',
  silent: 'No answer from the store',
  away: 'No connection to leasehold ui: trying again',
  refused: 'The token is no longer right: open the URL that leasehold ui printed last',
}

/** The words are announced to screen readers once, and the seconds next to them are not. */
function showHealth() {
  const state = healthNow()
  const error = model.pulse?.error
  const why = error ? `: ${error}` : ''
  byId('health').dataset.state = state
  setText(byId('status'), healthTexts[state])
  const since = state === 'silent' ? `for ${duration(model.silenceMs ?? 0)}` : ''
  setForeign(byId('silence'), state === 'silent' || state === 'unanswered' ? `${since}${why}` : '')
  setForeign(byId('store'), model.prefix ? `${model.url} · ${model.prefix}…` : model.url)
  document.title = state === 'live' || state === 'connecting' ? 'Leasehold' : '(!) Leasehold'
}

/** @returns {keyof typeof healthTexts} */
function healthNow() {
  if (link !== 'connected') return link
  if (model.silenceMs === 0) return 'live'
  if (model.silenceMs !== undefined) return 'silent'
  return model.pulse?.error ? 'unanswered' : 'connecting'
}

/** @param {readonly NameView[]} views */
function showTotals(views) {
  if (model.url === '') return
  const sum = (/** @type {(view: NameView) => number} */ of) =>
    views.reduce((total, view) => total + of(view), 0).toLocaleString('en')
  setText(byId('total-names'), views.length.toLocaleString('en'))
  setText(
    byId('total-holders'),
    sum(({ holding }) => holding),
  )
  setText(
    byId('total-waiters'),
    sum(({ waiting }) => waiting),
  )
}

/**
 * @param {string} id
 * @param {readonly NameView[]} views
 */
function showTable(id, views) {
  const most = rows[id] ?? rowsStep
  showNames(bodyOf(id), views.slice(0, most), model, askToBreak)
  showIf(id, views.length > 0)
  const more = byId(`${id}-more`)
  more.hidden = views.length <= most
  setText(more, `Show more (${(views.length - most).toLocaleString('en')} left)`)
}

/** @param {string} id */
function showMore(id) {
  rows[id] = (rows[id] ?? 0) + rowsStep
  draw()
}

/** A table without rows gives way to its note. @param {string} id @param {boolean} hasRows */
function showIf(id, hasRows) {
  byId(id).hidden = !hasRows
  byId(`${id}-none`).hidden = hasRows
}

/** @param {string} id */
function bodyOf(id) {
  return /** @type {Element} */ (byId(id).querySelector('tbody'))
}

// @ts-check
// The tables of locks, elections and cron jobs. Owns their rows; app.mjs decides which names they get.

import { duration, foreignText, make, match, plain, setForeign, setText, timeOfDay } from './dom.mjs'

/** @import { ClaimView, JobView, NameView } from '../ui-messages.ts' */
/** @import { Model } from './model.mjs' */
/** @typedef {(name: string, holder: ClaimView) => void} AskToBreak */

/** How many waiters of a name are listed. */
const waitersMost = 5

/**
 * Shows names as rows.
 * @param {Element} body
 * @param {readonly NameView[]} views
 * @param {Model} model
 * @param {AskToBreak} askToBreak
 */
export function showNames(body, views, model, askToBreak) {
  match(
    body,
    views,
    ({ name }) => name,
    newRow,
    (row, view) => {
      const [head, holders, line] = row.children
      setText(part(head, '.kind'), describe(view))
      showHolders(part(holders, '.holders'), view, model, askToBreak)
      showLine(part(line, '.line'), view, model)
    },
  )
}

/** @param {NameView} view */
function newRow({ name }) {
  const head = make('th', '', foreignText('name', name), make('div', 'kind'))
  head.setAttribute('scope', 'row')
  return make('tr', '', head, make('td', '', make('ul', 'holders')), make('td', '', make('ol', 'line')))
}

/** @param {NameView} view */
function describe({ kind, permits, holders, holding }) {
  const taken = holders.reduce((sum, { weight }) => sum + weight, 0)
  if (kind === 'semaphore') return `semaphore, ${holding > holders.length ? holding : taken} of ${permits}`
  return { mutex: 'mutex', election: 'election', rwlock: 'readers and writers', '?': 'of another program' }[
    kind
  ]
}

/**
 * @param {Element} list
 * @param {NameView} view
 * @param {Model} model
 * @param {AskToBreak} askToBreak
 */
function showHolders(list, view, model, askToBreak) {
  const { name, holders } = view
  match(
    list,
    holders,
    ({ token }) => token,
    () => newHolder(name, model.mayBreak, askToBreak),
    (item, holder) => {
      held.set(item, holder)
      setForeign(part(item, '.who'), holder.who)
      setText(part(item, '.for'), heldFor(holder, view, model))
      setText(part(item, '.token'), holder.token)
      const value = part(item, '.value')
      setForeign(value, holder.value === null || holder.value === holder.who ? '' : holder.value)
      showTtl(part(item, '.ttl'), holder, model)
    },
  )
}

/** The holder that an element shows. @type {WeakMap<Element, ClaimView>} */
const held = new WeakMap()

/**
 * @param {string} name
 * @param {boolean} mayBreak
 * @param {AskToBreak} askToBreak
 */
function newHolder(name, mayBreak, askToBreak) {
  const ttl = make('div', 'ttl', make('div', 'track', make('span', 'rest')), make('span', 'left-ms'))
  const item = make('li', 'holder', make('bdi', 'who'), make('span', 'for soft'), make('span', 'token'))
  if (mayBreak) {
    const button = make('button', 'break', 'Break…')
    button.setAttribute('type', 'button')
    button.addEventListener('click', () => {
      const holder = held.get(item)
      if (holder) askToBreak(name, holder)
    })
    item.append(button)
  }
  item.append(make('bdi', 'value soft'), ttl)
  return item
}

/**
 * @param {ClaimView} holder
 * @param {NameView} view
 * @param {Model} model
 */
function heldFor({ seen, asked, keptUntil, weight }, { kind, permits }, model) {
  const part =
    kind === 'rwlock' ? (weight === 1 ? 'reads, ' : 'writes, ') : weight > 1 ? `${weight} permits, ` : ''
  if (keptUntil !== null) return `${part}kept until ${plain(keptUntil)}`
  if (seen !== null) return `${part}for ${duration(model.nowMs - seen)}`
  if (asked !== null) return `${part}asked ${duration(model.nowMs - asked)} ago`
  return part.replace(', ', '') || (permits === null ? '' : 'holds')
}

/**
 * @param {HTMLElement} bar
 * @param {ClaimView} holder
 * @param {Model} model
 */
function showTtl(bar, { ends, token }, model) {
  bar.hidden = ends === null
  if (ends === null) return
  const restMs = Math.max(0, ends - model.nowMs)
  const share = restMs / Math.max(1, model.lifeMs(token, restMs))
  bar.dataset.low = String(share < 0.4)
  part(bar, '.rest').style.width = `${(100 * share).toFixed(1)}%`
  setText(part(bar, '.left-ms'), `TTL ${Math.round(restMs / 1000)} s`)
}

/**
 * @param {Element} list
 * @param {NameView} view
 * @param {Model} model
 */
function showLine(list, { waiters, waiting }, model) {
  const shown = waiters.slice(0, waitersMost)
  /** @type {(ClaimView | number)[]} */
  const items = waiting > shown.length ? [...shown, waiting - shown.length] : [...shown]
  const keyOf = (/** @type {ClaimView | number} */ item) => (typeof item === 'number' ? 'rest' : item.token)
  match(list, items, keyOf, newWaiter, (element, item, index) => {
    if (typeof item === 'number') return setText(element, `and ${item.toLocaleString('en')} more`)
    setText(part(element, '.place'), `${index + 1}.`)
    setForeign(part(element, '.who'), item.who)
    const since = item.seen ?? item.asked
    setText(part(element, '.time'), since === null ? '' : duration(model.nowMs - since))
  })
}

/** @param {ClaimView | number} item */
function newWaiter(item) {
  if (typeof item === 'number') return make('li', 'rest-of-line')
  return make('li', '', make('span', 'place'), make('bdi', 'who'), make('span', 'time'))
}

/**
 * Shows cron jobs as rows.
 * @param {Element} body
 * @param {readonly JobView[]} jobs
 * @param {Model} model
 */
export function showJobs(body, jobs, model) {
  match(
    body,
    jobs,
    ({ name }) => name,
    newJob,
    (row, job) => {
      const [, tick, by, took] = row.children
      if (!tick || !by || !took) return
      setText(
        tick,
        isToday(job.tick, model.nowMs) ? timeOfDay(job.tick) : new Date(job.tick).toLocaleString(),
      )
      setForeign(by, job.by)
      took.className = job.done ? '' : 'running'
      setText(took, tookOf(job, model.nowMs))
    },
  )
}

/** @param {JobView} job */
function newJob({ name }) {
  const head = make('th', '', foreignText('name', name))
  head.setAttribute('scope', 'row')
  return make('tr', '', head, make('td'), make('td'), make('td'))
}

/**
 * A job without an end runs, or its host is gone.
 * @param {JobView} job
 * @param {number} nowMs
 */
function tookOf({ done, began, ended }, nowMs) {
  if (done) return began !== null && ended !== null ? duration(ended - began) : 'done'
  return began === null ? 'not ended' : `not ended, ${duration(nowMs - began)}`
}

/** @param {number} ms @param {number} nowMs */
function isToday(ms, nowMs) {
  return new Date(ms).toDateString() === new Date(nowMs).toDateString()
}

/**
 * @param {Element | undefined} parent
 * @param {string} selector
 * @returns {HTMLElement}
 */
function part(parent, selector) {
  const found = parent?.querySelector(selector)
  if (!(found instanceof HTMLElement)) throw new Error(`the page has no ${selector} there`)
  return found
}

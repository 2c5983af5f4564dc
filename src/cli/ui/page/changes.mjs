// @ts-check
// The list of changes, the latest first: it says in words what the timeline draws.

import { duration, make, match, setForeign, setText, timeOfDay } from './dom.mjs'

/** @import { JobView, Span, WaitView } from '../ui-messages.ts' */
/** @import { Model } from './model.mjs' */
/** @typedef {{ key: string, at: number, name: string, who: string, text: string }} Entry */

const changesMost = 40

/**
 * Shows the latest changes, and returns how many it shows.
 * @param {Element} list
 * @param {Model} model
 * @param {(name: string) => boolean} isWanted
 */
export function showChanges(list, model, isWanted) {
  const all = [
    ...[...model.spans.values()].flatMap(ofSpan),
    ...model.waits.flatMap(ofWait),
    ...model.ticks.map(ofTick),
  ]
  const wanted = all.filter(({ name }) => isWanted(name))
  const shown = wanted.sort((one, other) => other.at - one.at).slice(0, changesMost)
  match(
    list,
    shown,
    ({ key }) => key,
    newEntry,
    () => {},
  )
  return shown.length
}

/** @param {Span} span @returns {Entry[]} */
function ofSpan({ id, name, who, token, from, to, whole }) {
  const begin = { key: `${id} from`, at: from, name, who, text: `holds, token ${token}` }
  const end = to === null ? [] : [{ key: `${id} to`, at: to, name, who, text: lasted(from, to, whole) }]
  return whole ? [begin, ...end] : end
}

/** @param {number} from @param {number} to @param {boolean} whole */
function lasted(from, to, whole) {
  return `no longer holds${whole ? `, after ${duration(to - from)}` : ''}`
}

/** @param {WaitView} wait @returns {Entry[]} */
function ofWait({ name, at, ms, held }) {
  const text = `left the line after ${duration(ms)}`
  return held ? [] : [{ key: `${at} ${ms} ${name}`, at, name, who: 'a waiter', text }]
}

/** @param {JobView} tick @returns {Entry} */
function ofTick({ name, tick, by, began }) {
  return {
    key: `${tick} ${name}`,
    at: began ?? tick,
    name,
    who: by,
    text: `took the tick of ${timeOfDay(tick)}`,
  }
}

/** @param {Entry} entry */
function newEntry({ at, name, who, text }) {
  const [shown, owner, time] = [make('bdi', 'name'), make('bdi'), make('time')]
  setForeign(shown, name)
  setForeign(owner, who)
  setText(time, timeOfDay(at))
  return make(
    'li',
    '',
    time,
    make('span', '', shown, make('span', 'soft', ' · '), owner, make('span', 'soft', ` ${text}`)),
  )
}

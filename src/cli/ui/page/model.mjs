// @ts-check
// What the page knows: names, cron jobs and the history, as the server sent them. Owns that the memory stays bounded in a
// page that is open for days.

/** @import { Change, Gap, JobView, NameView, Pulse, Span, State, WaitView } from '../ui-messages.ts' */

/** The most entries of each kind of history. */
const entriesMost = 2_000
/** After this time without an answer, in ms, the store counts as silent. Looks take place once per second. */
const silentMs = 3_000

/** The state of one page. */
export class Model {
  /** @type {Map<string, NameView>} */
  names = new Map()
  /** @type {readonly JobView[]} */
  jobs = []
  /** @type {Map<number, Span>} */
  spans = new Map()
  /** @type {WaitView[]} */
  waits = []
  /** @type {JobView[]} */
  ticks = []
  /** @type {Gap[]} */
  gaps = []
  /** For each session end that is known, how long the session had to live when the server saw it. @type {Map<string, number>} */
  lives = new Map()
  url = ''
  prefix = ''
  mayBreak = false
  historyMs = 15 * 60_000
  /** @type {Pulse | undefined} */
  pulse
  #aheadMs = 0

  /** The present by the clock of the server. */
  get nowMs() {
    return Date.now() + this.#aheadMs
  }

  /** How long the store has not answered, in ms; 0 while it answers. Undefined if it never did. */
  get silenceMs() {
    if (!this.pulse || this.pulse.answered === null) return undefined
    const silence = this.nowMs - this.pulse.answered
    return silence > silentMs ? silence : 0
  }

  /** @param {Pulse} pulse */
  setPulse(pulse) {
    this.pulse = pulse
    this.#aheadMs = pulse.now - Date.now()
  }

  /** Replaces everything. @param {State} state */
  setState(state) {
    this.names.clear()
    this.spans.clear()
    this.lives.clear()
    this.waits = []
    this.ticks = []
    this.gaps = []
    const { url, prefix, mayBreak, historyMs } = state
    Object.assign(this, { url, prefix, mayBreak, historyMs })
    this.apply(state)
  }

  /** Adds the differences. @param {Change} change */
  apply({ names, gone, jobs, spans, waits, ticks, gaps }) {
    for (const name of gone) this.names.delete(name)
    for (const view of names) this.names.set(view.name, view)
    for (const view of names) this.#noteLives(view)
    if (jobs) this.jobs = jobs
    for (const span of spans) this.spans.set(span.id, span)
    const renewed = new Set(ticks.map(({ name, tick }) => `${tick} ${name}`))
    this.ticks = [...this.ticks.filter(({ name, tick }) => !renewed.has(`${tick} ${name}`)), ...ticks]
    this.waits = [...this.waits, ...waits]
    this.gaps = [...this.gaps, ...gaps]
    this.forget()
  }

  /** Forgets what is too old. */
  forget() {
    const begin = this.nowMs - this.historyMs
    for (const { id, to } of this.spans.values())
      if (to !== null && (to < begin || this.spans.size > entriesMost)) this.spans.delete(id)
    this.waits = this.waits.filter(({ at }) => at >= begin).slice(-entriesMost)
    this.ticks = this.ticks.filter(({ tick }) => tick >= begin).slice(-entriesMost)
    this.gaps = this.gaps.filter(({ to }) => to >= begin).slice(-entriesMost)
    if (this.lives.size > 2 * this.names.size + entriesMost) this.lives.clear()
  }

  /** The whole life of the session behind a token, as far as it was seen. @param {string} token @param {number} restMs */
  lifeMs(token, restMs) {
    return Math.max(this.lives.get(token) ?? 0, restMs)
  }

  /** @param {NameView} view */
  #noteLives({ holders }) {
    for (const { token, ends } of holders)
      if (ends !== null) this.lives.set(token, this.lifeMs(token, ends - this.nowMs))
  }
}

// Keeps what happened to the names in the last minutes: the times in which claims held, the waits, the ticks, and the times
// without looks. It compares one look with the look before: a change between two looks that left no trace is not seen.
import type { CronState } from '../../api/cron.ts'
import { printableJson } from '../../base/printable.ts'
import type { NameState, Standing } from '../../contract.ts'
import { tokenOf } from '../../core/holder.ts'
import { type Known, successors } from './known.ts'
import type { History, JobView, Span } from './ui-messages.ts'
import { jobView, whoIs } from './views.ts'

/** How far back the history goes, in ms. */
export const historyMs = 15 * 60_000
/** The most entries of each kind. A name that changes hands all the time must not fill the memory. */
const entriesMost = 2_000
/** A longer time between two looks is a gap. */
const gapMs = 5_000

/** The entries while they are collected. */
type Draft = { -readonly [Key in keyof History]: History[Key][number][] }

const nothing = (): Draft => ({ spans: [], waits: [], ticks: [], gaps: [] })

/** The history of one server, for all its pages. */
export class Chronicle {
  #claims = new Map<string, Known[]>()
  #kept = nothing()
  readonly #spans = new Map<number, Span>()
  readonly #lastTick = new Map<string, string>()
  #lookedMs: number | undefined
  #nextId = 1

  /** Everything that is kept. */
  get history(): History {
    return { ...this.#kept, spans: [...this.#spans.values()] }
  }

  /** Adds a look, and returns the news. `failed` says whether a look since the last one got no answer. */
  note(nowMs: number, states: readonly NameState[], jobs: readonly CronState[], failed: boolean): History {
    const news = nothing()
    const lastMs = this.#lookedMs
    if (lastMs !== undefined && nowMs - lastMs > gapMs)
      news.gaps.push({ from: lastMs, to: nowMs, reason: failed ? 'no answer' : 'unwatched' })
    const endMs = news.gaps[0]?.from ?? nowMs // after a gap nobody knows the end: it was seen last at its beginning
    const before = this.#claims
    this.#claims = new Map()
    for (const { name, claims } of states) {
      const known = before.get(name) ?? []
      before.delete(name)
      this.#claims.set(name, this.#noteName(name, claims, known, { nowMs, endMs, news }))
    }
    for (const [name, known] of before) this.#noteName(name, [], known, { nowMs, endMs, news })
    news.ticks.push(...this.#newTicks(jobs))
    this.#keep(news, nowMs)
    this.#lookedMs = nowMs
    return news
  }

  /** When a claim began to hold or to wait, if the server saw it. */
  seenSince(name: string, { token }: Standing): number | null {
    const known = this.#claims.get(name)?.find((each) => each.token === token)
    return known?.whole ? known.since : null
  }

  #noteName(
    name: string,
    claims: readonly Standing[],
    before: readonly Known[],
    { nowMs, endMs, news }: { readonly nowMs: number; readonly endMs: number; readonly news: Draft },
  ): Known[] {
    const whole = this.#lookedMs !== undefined
    const { now, over } = successors(claims, before, { nowMs, whole })
    for (const { known, held } of over) {
      if (known.span) news.spans.push({ ...known.span, to: Math.max(endMs, known.span.from) })
      else news.waits.push({ name, at: endMs, ms: Math.max(0, endMs - known.since), held })
    }
    return now.map(({ known, claim }) => {
      if (!claim.held || known.span) return known
      const token = String(tokenOf(claim))
      const span = { id: this.#nextId++, name, who: whoIs(claim), token, from: known.since, to: null, whole }
      news.spans.push(span)
      return { ...known, span }
    })
  }

  /** The ticks that differ from the last ones. A tick comes a second time when it has ended. */
  #newTicks(jobs: readonly CronState[]): JobView[] {
    return jobs.map(jobView).filter((job) => {
      const shown = printableJson(job)
      const isNew = this.#lastTick.get(job.name) !== shown
      this.#lastTick.set(job.name, shown)
      return isNew
    })
  }

  #keep({ spans, waits, ticks, gaps }: History, nowMs: number): void {
    const begin = nowMs - historyMs
    for (const span of spans) this.#spans.set(span.id, span)
    for (const { id, to } of this.#spans.values()) {
      if (to !== null && (to < begin || this.#spans.size > entriesMost)) this.#spans.delete(id)
    }
    const renewed = new Set(ticks.map(({ name, tick }) => `${tick} ${name}`))
    const old = this.#kept.ticks.filter(({ name, tick }) => !renewed.has(`${tick} ${name}`))
    this.#kept = {
      spans: [],
      waits: latest([...this.#kept.waits, ...waits].filter(({ at }) => at >= begin)),
      ticks: latest([...old, ...ticks].filter(({ tick }) => tick >= begin)),
      gaps: latest([...this.#kept.gaps, ...gaps].filter(({ to }) => to >= begin)),
    }
  }
}

function latest<T>(entries: T[]): T[] {
  return entries.slice(-entriesMost)
}

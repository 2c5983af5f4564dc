// Decides by the record which tick may run, and computes the next record. Pure functions. Ensures that a tick runs once,
// even if clocks are wrong: a tick on record is never run again, and a tick of the far future stops no other tick.
import type { Holder } from '../api/hold.ts'

/** Ticks in a row that were all taken. */
export interface Span {
  /** The first of these ticks, in ms since 1970. */
  readonly fromMs: number
  /** The last of them. All further properties are about this tick. */
  readonly tickMs: number
  /** The process that took it. */
  readonly by: Holder
  /** Whether the job ended, with or without an error. */
  readonly done: boolean
  /** When the job ended, in ISO 8601, by the clock of its host. */
  readonly ended?: string | undefined
  /** The fencing token of the hold under which it was taken. */
  readonly token?: string | undefined
  /** Set if a host found that this span lies in the future and ignored it: the tick that the host ran then. */
  readonly asideMs?: number | undefined
}

/** The record of a cron job. */
export interface Marker {
  /** The span that was written last comes first. There are several if ticks were left out or clocks are wrong. */
  readonly spans: readonly Span[]
  /** The checkpoint that the job itself wrote for its next run. */
  readonly text?: string | undefined
}

/** A tick that a host asks for. */
export interface Asked {
  readonly tickMs: number
  /** Whether a tick whose job began and did not end may run again. */
  readonly retry: boolean
  /** A later tick on record rules this one out. A tick on record after this time does not: then a clock is wrong. */
  readonly horizonMs: number
  /** Tokens of holds under which this host marked the tick, and did not begin it. */
  readonly unbegun: { has(token: string): boolean }
}

/** Why a tick may not run. */
export interface Ruling {
  readonly reason: 'taken' | 'over'
  /** The span on record that stands in its way. */
  readonly span: Span
}

/** The most spans that are kept. */
const spansMost = 8

/** Why a tick may not run; undefined if it may. */
export function rule(marker: Marker | undefined, asked: Asked): Ruling | undefined {
  const { tickMs, horizonMs } = asked
  const spans = marker?.spans ?? []
  const own = spans.find((span) => span.fromMs <= tickMs && tickMs <= span.tickMs)
  if (own) return own.tickMs > tickMs || isSettled(own, asked) ? { reason: 'taken', span: own } : undefined
  const later = lowest(spans.filter(({ fromMs }) => fromMs > tickMs && fromMs <= horizonMs))
  return later && { reason: 'over', span: later }
}

function isSettled({ done, token }: Span, { retry, unbegun }: Asked): boolean {
  if (token !== undefined && unbegun.has(token)) return false
  return done || !retry
}

/**
 * The spans after the horizon, which right clocks cannot have reached yet. A span that was ignored for another tick
 * before is left out, since that host has reported it.
 */
export function futureSpans(
  marker: Marker | undefined,
  { tickMs, horizonMs }: Pick<Asked, 'tickMs' | 'horizonMs'>,
): Span[] {
  const spans = marker?.spans ?? []
  return spans.filter((span) => span.tickMs > horizonMs && (span.asideMs ?? tickMs) === tickMs)
}

/** The last span before a tick. No host took the ticks between the two. */
export function spanBefore(marker: Marker | undefined, tickMs: number): Span | undefined {
  return highest((marker?.spans ?? []).filter((span) => span.tickMs < tickMs))
}

/** The facts of a tick that are written. */
export interface Mark extends Pick<Span, 'by' | 'done' | 'ended' | 'token'> {
  readonly tickMs: number
  /** The tick of the schedule before this one; undefined if it is not known. */
  readonly previousMs: number | undefined
  readonly horizonMs: number
  readonly by: Holder
}

/** The marker with this tick on record. The tick joins the span that ends with the tick before. */
export function withMark(marker: Marker | undefined, mark: Mark): Marker {
  const { tickMs, horizonMs, by, done, ended, token } = mark
  const replaced = spanReplaced(marker, mark)
  const others = (marker?.spans ?? [])
    .filter((span) => span !== replaced)
    .map((span) => (span.tickMs > horizonMs ? { ...span, asideMs: span.asideMs ?? tickMs } : span))
  const first: Span = { fromMs: replaced?.fromMs ?? tickMs, tickMs, by, done, ended, token }
  return { spans: [first, ...fewer(others, spansMost - 1)], text: marker?.text }
}

/** The span that ends with this tick or with the one before it: the mark takes its place. Undefined if there is none. */
export function spanReplaced(
  marker: Marker | undefined,
  { tickMs, previousMs = Number.POSITIVE_INFINITY }: Pick<Mark, 'tickMs' | 'previousMs'>,
): Span | undefined {
  const base = highest((marker?.spans ?? []).filter((span) => span.tickMs <= tickMs))
  return base && (base.tickMs === tickMs || base.tickMs >= previousMs) ? base : undefined
}

/** The marker without this mark of a tick, and with the span that the mark has replaced. */
export function withoutMark(
  { spans, text }: Marker,
  { tickMs, token, replaced }: Pick<Span, 'tickMs' | 'token'> & { readonly replaced: Span | undefined },
): Marker {
  const rest = spans.filter((span) => span.tickMs !== tickMs || span.token !== token)
  const others = rest.map((span) => (span.asideMs === tickMs ? { ...span, asideMs: undefined } : span))
  return { spans: replaced ? [replaced, ...others] : others, text }
}

/**
 * Joins neighbours until at most `most` spans are left. The two with the smallest gap are joined first, the oldest if
 * gaps are equal.
 */
function fewer(spans: readonly Span[], most: number): Span[] {
  const sorted = [...spans].sort((one, other) => one.tickMs - other.tickMs)
  while (sorted.length > most) {
    const gaps = sorted.slice(1).map((span, index) => span.fromMs - (sorted[index] as Span).tickMs)
    const at = gaps.indexOf(Math.min(...gaps))
    const [lower, upper] = sorted.slice(at, at + 2) as [Span, Span]
    sorted.splice(at, 2, { ...upper, fromMs: lower.fromMs })
  }
  return sorted
}

function lowest(spans: readonly Span[]): Span | undefined {
  return [...spans].sort((one, other) => one.fromMs - other.fromMs)[0]
}

function highest(spans: readonly Span[]): Span | undefined {
  return [...spans].sort((one, other) => other.tickMs - one.tickMs)[0]
}

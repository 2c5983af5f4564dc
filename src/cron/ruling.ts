// Which tick may run, by what is on record, and what the record becomes. Pure functions. Owns that a tick runs once, also
// where clocks are wrong: a tick that is on record is never run again, and one of the far future stops nobody.
import type { Holder } from '../api/hold.ts'

/** Ticks that were taken one after the other, without one left out. */
export interface Span {
  /** The first of these ticks, in ms since 1970. */
  readonly fromMs: number
  /** The last of them. All that follows is about this one. */
  readonly tickMs: number
  /** The process that took it. */
  readonly by: Holder
  /** Whether the job came to an end, be it an error. */
  readonly done: boolean
  /** When it did, as ISO 8601 has it, by the clock of its host. */
  readonly ended?: string | undefined
  /** The fencing token of the hold under which it was taken. */
  readonly token?: string | undefined
  /** The tick of a host that found this span to be of the future, and ran its own tick past it. */
  readonly asideMs?: number | undefined
}

/** The record of a cron job. */
export interface Marker {
  /** The span that was written last comes first. There are several where ticks were left out, or clocks are wrong. */
  readonly spans: readonly Span[]
  /** The checkpoint that the job itself wrote for its next run. */
  readonly text?: string | undefined
}

/** A tick that a host asks for. */
export interface Asked {
  readonly tickMs: number
  /** Whether a tick that was begun and not ended is still to be had. */
  readonly retry: boolean
  /** A later tick on record ends this one, unless it is past this time: then a clock is wrong. */
  readonly horizonMs: number
  /** Tokens of holds under which this host marked the tick, and did not begin it. */
  readonly unbegun: { has(token: string): boolean }
}

/** Why a tick is not to be had. */
export interface Ruling {
  readonly reason: 'taken' | 'over'
  /** The span on record that stands in its way. */
  readonly span: Span
}

/** The most spans that are kept. */
const spansMost = 8

/** Why a tick is not to be had; undefined where it is. */
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

/** The spans that clocks which are right cannot have reached yet, and that nobody has set aside for an earlier tick. */
export function futureSpans(
  marker: Marker | undefined,
  { tickMs, horizonMs }: Pick<Asked, 'tickMs' | 'horizonMs'>,
): Span[] {
  const spans = marker?.spans ?? []
  return spans.filter((span) => span.tickMs > horizonMs && (span.asideMs ?? tickMs) === tickMs)
}

/** The last span before a tick: the ticks between the two were left out. */
export function spanBefore(marker: Marker | undefined, tickMs: number): Span | undefined {
  return highest((marker?.spans ?? []).filter((span) => span.tickMs < tickMs))
}

/** The facts of a tick that are written. */
export interface Mark extends Pick<Span, 'by' | 'done' | 'ended' | 'token'> {
  readonly tickMs: number
  /** The tick of the schedule before this one; undefined where that is not known. */
  readonly previousMs: number | undefined
  readonly horizonMs: number
  readonly by: Holder
}

/** The marker with this tick on record. It joins the span that ends with the tick before. */
export function withMark(marker: Marker | undefined, mark: Mark): Marker {
  const { tickMs, horizonMs, by, done, ended, token } = mark
  const replaced = spanReplaced(marker, mark)
  const others = (marker?.spans ?? [])
    .filter((span) => span !== replaced)
    .map((span) => (span.tickMs > horizonMs ? { ...span, asideMs: span.asideMs ?? tickMs } : span))
  const first: Span = { fromMs: replaced?.fromMs ?? tickMs, tickMs, by, done, ended, token }
  return { spans: [first, ...fewer(others, spansMost - 1)], text: marker?.text }
}

/** The span that ends with this tick or with the one before it: the mark takes its place. Undefined where there is none. */
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

/** Joins neighbours until there are no more than `most`: those that are closest to each other, the oldest first. */
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

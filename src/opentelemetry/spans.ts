// The spans of an instrumentation: of acquires, holds and ticks. Owns their parents and links.
import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api'
import type { AcquireEvent, CronTickEvent, HoldEvent, HoldLostEvent } from '../api/events.ts'
import { type Clock, isoTime } from '../base/clock.ts'
import { errorType } from './error-type.ts'
import type { Names } from './names.ts'

/** A span under way, and the context in which its call was made. */
interface Open {
  readonly span: Span
  readonly caller: Context
}

/** The spans of one instrumentation. */
export class Spans {
  readonly #tracer: Tracer
  readonly #names: Names
  readonly #clock: Clock
  readonly #acquires = new Map<object, Open>()
  readonly #holds = new Map<object, Span>()

  constructor(tracer: Tracer, names: Names, clock: Clock) {
    this.#tracer = tracer
    this.#names = names
    this.#clock = clock
  }

  /** The channels and what each does. */
  readonly listeners = {
    'tracing:leasehold:acquire:start': (event: AcquireEvent): void => this.#acquireBegins(event),
    'tracing:leasehold:acquire:asyncEnd': (event: AcquireEvent): void => this.#acquireEnds(event),
    'tracing:leasehold:release:start': (event: HoldEvent): void => this.#holdEnds(event, 'released'),
    'leasehold:hold.lost': (event: HoldLostEvent): void => this.#lost(event),
    'leasehold:cron.tick': (event: CronTickEvent): void => this.#ticked(event),
  }

  /** Ends the spans that are under way. */
  stop(): void {
    for (const { span } of this.#acquires.values()) span.end()
    for (const span of this.#holds.values()) span.end()
    this.#acquires.clear()
    this.#holds.clear()
  }

  #acquireBegins(event: AcquireEvent): void {
    const caller = context.active()
    const { permits, weight } = event
    const attributes = { ...this.#of(event), 'leasehold.permits': permits, 'leasehold.weight': weight }
    const span = this.#tracer.startSpan('leasehold.acquire', { attributes }, caller)
    this.#acquires.set(event, { span, caller })
  }

  #acquireEnds(event: AcquireEvent): void {
    const open = this.#acquires.get(event)
    if (!open) return
    this.#acquires.delete(event)
    const { outcome = 'error', result, error } = event
    open.span.setAttribute('leasehold.outcome', outcome)
    if (result) open.span.setAttribute('leasehold.token', String(result.token))
    if (error !== undefined) failed(open.span, error)
    open.span.end()
    if (result?.held) this.#holdBegins(event, result, open)
  }

  /** The span of a hold is a sibling of that of its acquire, which is over, and links to it. */
  #holdBegins(event: AcquireEvent, hold: HoldEvent['hold'], { span, caller }: Open): void {
    const attributes = { ...this.#of(event), 'leasehold.token': String(hold.token) }
    const links = [{ context: span.spanContext() }]
    this.#holds.set(hold, this.#tracer.startSpan('leasehold.hold', { attributes, links }, caller))
  }

  #holdEnds({ hold }: HoldEvent, outcome: 'released' | 'lost', error?: Error, more: Attributes = {}): void {
    const span = this.#holds.get(hold)
    if (!span) return
    this.#holds.delete(hold)
    span.setAttributes({ 'leasehold.outcome': outcome, ...more })
    if (error) failed(span, error)
    span.end()
  }

  #lost(event: HoldLostEvent): void {
    this.#holdEnds(event, 'lost', event.error, { 'leasehold.cause': event.cause })
  }

  /** A tick is known only at its end, so its span begins in the past. */
  #ticked(event: CronTickEvent): void {
    const { name, store, tickMs, outcome, durationMs, token, error } = event
    const endTime = this.#clock.wallMs()
    const attributes = {
      ...this.#named(name),
      'leasehold.store': store,
      'leasehold.outcome': outcome,
      'leasehold.cron.tick': isoTime(tickMs),
      ...(token !== undefined && { 'leasehold.token': String(token) }),
    }
    const startTime = endTime - durationMs
    const span = this.#tracer.startSpan('leasehold.tick', { attributes, startTime }, context.active())
    if (error !== undefined) failed(span, error)
    span.end(endTime)
  }

  #of({ name, kind, store }: Pick<AcquireEvent, 'name' | 'kind' | 'store'>): Attributes {
    return { ...this.#named(name), 'leasehold.kind': kind, 'leasehold.store': store }
  }

  #named(name: string): Attributes {
    const value = this.#names.span(name)
    return value === undefined ? {} : { 'leasehold.name': value }
  }
}

function failed(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  span.setAttribute('error.type', errorType(error))
  span.recordException(error instanceof Error ? error : message)
  span.setStatus({ code: SpanStatusCode.ERROR, message })
}

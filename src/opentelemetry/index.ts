// `leasehold/opentelemetry`: spans and metrics from the events of all clients of this process. Owns the subscriptions, and their
// end. metrics.ts and spans.ts make the data; names.ts bounds the names in it.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { diag, type Meter, metrics, type Tracer, trace } from '@opentelemetry/api'
import { systemClock } from '../base/clock.ts'
import { callback, checkOptions, type Kind, number, type TableOf, withMethods } from '../base/options.ts'
import { Metrics } from './metrics.ts'
import { Names } from './names.ts'
import { Spans } from './spans.ts'

/** The options of `instrument`. */
export interface InstrumentOptions {
  /** Makes the spans; by default `trace.getTracer('leasehold')`. */
  readonly tracer?: Tracer | undefined
  /** Makes the instruments; by default `metrics.getMeter('leasehold')`. So start the SDK before. */
  readonly meter?: Meter | undefined
  /**
   * How names of locks become the attribute `leasehold.name`. False leaves it out. A function returns the value, for example
   * `'tenant'` for each `tenant/17`, or undefined to leave it out.
   */
  readonly names?: false | ((name: string) => string | undefined) | undefined
  /** The most values of `leasehold.name` in metrics, 100 by default. All names after them become `other`. */
  readonly namesMax?: number | undefined
}

/** An instrumentation under way. */
export interface Instrumentation {
  /** Stops it: ends its spans, and no event has an effect any more. Idempotent. */
  stop(): void
  /** The same, at the end of a `using` block. */
  [Symbol.dispose](): void
}

const names: Kind = {
  takes: 'false or a function',
  judge: (value, argument) => (value === false ? 'fits' : callback.judge(value, argument)),
}

const options: TableOf<InstrumentOptions> = {
  tracer: withMethods('a tracer of OpenTelemetry', ['startSpan']),
  meter: withMethods('a meter of OpenTelemetry', ['createHistogram', 'createObservableGauge']),
  names,
  namesMax: number({ min: 1, whole: true }),
}

/**
 * Makes spans and metrics from what every client of this process does from now on, until it is stopped. Call it once, after the
 * SDK has started and before `connect`: what began before, such as a hold that stands, is not counted. Several at a time are
 * independent of each other. Throws TypeError or RangeError for bad arguments.
 */
export function instrument(given: InstrumentOptions = {}): Instrumentation {
  checkOptions(given, options)
  const { tracer = trace.getTracer('leasehold'), meter = metrics.getMeter('leasehold') } = given
  const bounded = new Names(given.names, given.namesMax ?? 100)
  const clock = systemClock()
  const parts = [new Metrics(meter, bounded, clock), new Spans(tracer, bounded, clock)]
  const ends = parts.flatMap(({ listeners }) =>
    Object.entries(listeners).map(([name, on]) => listen(name, on)),
  )
  const stop = (): void => {
    for (const end of ends.splice(0)) end()
    for (const part of parts.splice(0)) part.stop()
  }
  return { stop, [Symbol.dispose]: stop }
}

/** An error in a listener would end the process, so OpenTelemetry's own logger gets it. */
function listen(name: string, on: (event: never) => void): () => void {
  const safely = (event: unknown): void => {
    try {
      on(event as never)
    } catch (error) {
      diag.error('leasehold: an event was not recorded', error)
    }
  }
  subscribe(name, safely)
  return () => unsubscribe(name, safely)
}

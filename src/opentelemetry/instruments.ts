// The instruments of `leasehold/opentelemetry`: their names, units, descriptions and buckets. metrics.ts records with them.
import type { Counter, Histogram, Meter, ObservableGauge, ObservableUpDownCounter } from '@opentelemetry/api'

const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const acquireBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600]
const holdBuckets = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400]
const slackBuckets = [0, 0.25, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60]

/** The instruments of one instrumentation. */
export interface Instruments {
  readonly acquire: Histogram
  readonly hold: Histogram
  readonly request: Histogram
  readonly slack: Histogram
  readonly holds: ObservableUpDownCounter
  readonly waiters: ObservableUpDownCounter
  readonly leader: ObservableGauge
  readonly remaining: ObservableGauge
  readonly lost: Counter
  readonly timeouts: Counter
  readonly retries: Counter
  readonly ticks: Counter
}

/**
 * Creates them.
 * Long: some lines for each instrument.
 */
export function instrumentsOf(meter: Meter): Instruments {
  const histogram = (name: string, description: string, explicitBucketBoundaries: number[]): Histogram =>
    meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries } })
  const counter = (name: string, unit: string, description: string): Counter =>
    meter.createCounter(name, { description, unit })
  return {
    acquire: histogram(
      'leasehold.acquire.duration',
      'Time from the call to a hold or its failure',
      acquireBuckets,
    ),
    hold: histogram('leasehold.hold.duration', 'Time from the hold to its release or loss', holdBuckets),
    request: histogram('leasehold.request.duration', 'Time of one question to the store', requestBuckets),
    slack: histogram(
      'leasehold.renewal.slack',
      'Deadline minus now when a renewal is answered: small values come before losses',
      slackBuckets,
    ),
    holds: meter.createObservableUpDownCounter('leasehold.holds', {
      description: 'Holds that stand',
      unit: '{hold}',
    }),
    waiters: meter.createObservableUpDownCounter('leasehold.waiters', {
      description: 'Calls that wait for claims ahead',
      unit: '{call}',
    }),
    leader: meter.createObservableGauge('leasehold.leader', {
      description: '1 while this process leads the election, else 0',
      unit: '1',
    }),
    remaining: meter.createObservableGauge('leasehold.session.remaining', {
      description: 'Time to the deadline of the session; the least of all clients of the store',
      unit: 's',
    }),
    lost: counter('leasehold.hold.lost', '{hold}', 'Holds that were lost'),
    timeouts: counter('leasehold.wait.timeouts', '{call}', 'Waits that ended with their time'),
    retries: counter('leasehold.request.retries', '{request}', 'Questions to the store that were repeated'),
    ticks: counter('leasehold.cron.ticks', '{tick}', 'Ticks of cron jobs that are over on this host'),
  }
}

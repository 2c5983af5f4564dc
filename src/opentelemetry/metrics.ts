// The metrics of an instrumentation. Owns the instruments, their attributes, and which counters are shown at zero before
// anything has happened. Times are in seconds, as OpenTelemetry's conventions ask.
import type { Attributes, Counter, Meter, ObservableCallback, ObservableResult } from '@opentelemetry/api'
import type {
  AcquireEvent,
  CronTickEvent,
  HoldEvent,
  HoldLostEvent,
  RenewEvent,
  RequestEvent,
  SessionEvent,
  SessionView,
  TickOutcome,
} from '../api/events.ts'
import type { Clock } from '../base/clock.ts'
import type { LossCause } from '../base/errors.ts'
import { errorType } from './error-type.ts'
import { type Instruments, instrumentsOf } from './instruments.ts'
import { Levels } from './levels.ts'
import type { Names } from './names.ts'

const causes: readonly LossCause[] = ['expired', 'session-gone', 'removed']
const outcomes: readonly TickOutcome[] = ['ran', 'failed', 'lost', 'taken', 'over', 'busy', 'error']

/** A hold that stands. */
interface Held {
  readonly attributes: Attributes
  readonly isTerm: boolean
  readonly sinceMs: number
}

/** The instruments of one instrumentation. */
export class Metrics {
  readonly #names: Names
  readonly #clock: Clock
  readonly #instruments: Instruments
  readonly #starts = new WeakMap<object, number>()
  readonly #acquires = new Set<AcquireEvent>()
  readonly #holds = new Map<object, Held>()
  readonly #sessions = new Map<object, { readonly store: string; readonly session: SessionView }>()
  readonly #stores = new Set<string>()
  readonly #held = new Levels()
  readonly #waiting = new Levels()
  readonly #leading = new Levels()
  /** The counters that are shown at zero. */
  readonly #begun = new Set<string>()
  /** Takes the callbacks away. */
  readonly #ends: (() => void)[] = []

  constructor(meter: Meter, names: Names, clock: Clock) {
    this.#names = names
    this.#clock = clock
    this.#instruments = instrumentsOf(meter)
    const { holds, waiters, leader, remaining } = this.#instruments
    this.#observe(holds, (result) => this.#observeHolds(result))
    this.#observe(waiters, (result) => this.#observeWaiters(result))
    this.#observe(leader, (result) => this.#observeLeaders(result))
    this.#observe(remaining, (result) => this.#observeSessions(result))
  }

  /** The channels and what each does. */
  readonly listeners = {
    'tracing:leasehold:acquire:start': (event: AcquireEvent): void => this.#acquireBegins(event),
    'tracing:leasehold:acquire:asyncEnd': (event: AcquireEvent): void => this.#acquireEnds(event),
    'tracing:leasehold:release:start': (event: HoldEvent): void => this.#holdEnds(event, 'released'),
    'leasehold:hold.lost': (event: HoldLostEvent): void => this.#lost(event),
    'tracing:leasehold:renew:asyncEnd': (event: RenewEvent): void => this.#renewed(event),
    'leasehold:session.opened': (event: SessionEvent): void => this.#knows(event),
    'leasehold:session.lost': (event: SessionEvent): void => this.#knows(event),
    'tracing:leasehold:request:start': (event: RequestEvent): void => this.#requestBegins(event),
    'tracing:leasehold:request:asyncEnd': (event: RequestEvent): void => this.#requestEnds(event),
    'leasehold:cron.tick': (event: CronTickEvent): void => this.#ticked(event),
  }

  /** Takes the callbacks of the observed instruments away. */
  stop(): void {
    for (const end of this.#ends.splice(0)) end()
  }

  #observe(instrument: Instruments['holds'], callback: ObservableCallback): void {
    instrument.addCallback(callback)
    this.#ends.push(() => instrument.removeCallback(callback))
  }

  #acquireBegins(event: AcquireEvent): void {
    const attributes = this.#of(event)
    this.#starts.set(event, this.#nowMs)
    this.#acquires.add(event)
    this.#waiting.know(attributes)
    this.#held.know(attributes)
    if (event.kind === 'election') this.#leading.know(this.#ofElection(event))
    this.#begin(this.#instruments.timeouts, [attributes])
    const losses = causes.map((cause) => ({ ...attributes, 'leasehold.cause': cause }))
    this.#begin(this.#instruments.lost, losses)
  }

  #acquireEnds(event: AcquireEvent): void {
    this.#acquires.delete(event)
    const { outcome = 'error', result, kind } = event
    const attributes = this.#of(event)
    const durationS = this.#sinceS(event)
    if (durationS !== undefined)
      this.#instruments.acquire.record(durationS, { ...attributes, 'leasehold.outcome': outcome })
    if (outcome === 'timeout') this.#instruments.timeouts.add(1, attributes)
    if (!result?.held) return
    this.#holds.set(result, { attributes, isTerm: kind === 'election', sinceMs: this.#nowMs })
  }

  #holdEnds({ hold }: HoldEvent, outcome: 'released' | 'lost'): void {
    const held = this.#holds.get(hold)
    if (!held) return
    this.#holds.delete(hold)
    const durationS = (this.#nowMs - held.sinceMs) / 1_000
    this.#instruments.hold.record(durationS, { ...held.attributes, 'leasehold.outcome': outcome })
  }

  #lost(event: HoldLostEvent): void {
    this.#holdEnds(event, 'lost')
    this.#instruments.lost.add(1, { ...this.#of(event), 'leasehold.cause': event.cause })
  }

  #renewed(event: RenewEvent): void {
    const { slackMs, store } = event
    this.#knows(event)
    if (slackMs !== undefined)
      this.#instruments.slack.record(Math.max(0, slackMs) / 1_000, { 'leasehold.store': store })
  }

  #knows({ client, store, session }: SessionEvent): void {
    this.#stores.add(store)
    this.#forgetClosed() // also without a reader, who may never come
    this.#sessions.set(client, { store, session })
  }

  #forgetClosed(): void {
    for (const [client, { session }] of this.#sessions)
      if (session.status === 'closed') this.#sessions.delete(client)
  }

  #requestBegins(event: RequestEvent): void {
    const attributes = ofRequest(event)
    this.#starts.set(event, this.#nowMs)
    this.#begin(this.#instruments.retries, [attributes])
    if (event.retry > 0) this.#instruments.retries.add(1, attributes)
  }

  #requestEnds(event: RequestEvent): void {
    const durationS = this.#sinceS(event)
    if (durationS === undefined) return
    const failed = event.error === undefined ? {} : { 'error.type': errorType(event.error) }
    this.#instruments.request.record(durationS, { ...ofRequest(event), ...failed })
  }

  #ticked({ name, store, outcome }: CronTickEvent): void {
    const attributes = { ...named(this.#names.metric(name)), 'leasehold.store': store }
    const all = outcomes.map((each) => ({ ...attributes, 'leasehold.outcome': each }))
    this.#begin(this.#instruments.ticks, all)
    this.#instruments.ticks.add(1, { ...attributes, 'leasehold.outcome': outcome })
  }

  #observeHolds(result: ObservableResult): void {
    for (const { attributes } of this.#holds.values()) this.#held.add(attributes)
    this.#held.observe(result)
  }

  #observeWaiters(result: ObservableResult): void {
    for (const event of this.#acquires) if (event.ahead > 0) this.#waiting.add(this.#of(event))
    this.#waiting.observe(result)
  }

  #observeLeaders(result: ObservableResult): void {
    for (const { attributes, isTerm } of this.#holds.values())
      if (isTerm) this.#leading.add(withoutKind(attributes))
    this.#leading.observe(result)
  }

  /** The least of each store, since several clients may have it. 0 when all are closed: an SDK may show the last value for ever. */
  #observeSessions(result: ObservableResult): void {
    this.#forgetClosed()
    for (const store of this.#stores) {
      const open = [...this.#sessions].filter(([, known]) => known.store === store)
      const leftMs = open.map(([, { session }]) => session.remainingMs)
      result.observe((leftMs.length > 0 ? Math.min(...leftMs) : 0) / 1_000, { 'leasehold.store': store })
    }
  }

  /** Shows counters at zero, once: a rate can be computed only from a number before the first event. */
  #begin(counter: Counter, all: readonly Attributes[]): void {
    const key = JSON.stringify([Object.values(this.#instruments).indexOf(counter as never), all[0]])
    if (this.#begun.has(key)) return
    this.#begun.add(key)
    for (const attributes of all) counter.add(0, attributes)
  }

  #of({ name, kind, store }: Pick<AcquireEvent, 'name' | 'kind' | 'store'>): Attributes {
    return { ...named(this.#names.metric(name)), 'leasehold.kind': kind, 'leasehold.store': store }
  }

  #ofElection(event: AcquireEvent): Attributes {
    return withoutKind(this.#of(event))
  }

  #sinceS(event: object): number | undefined {
    const sinceMs = this.#starts.get(event)
    return sinceMs === undefined ? undefined : (this.#nowMs - sinceMs) / 1_000
  }

  get #nowMs(): number {
    return this.#clock.mark().monotonicMs
  }
}

function named(name: string | undefined): Attributes {
  return name === undefined ? {} : { 'leasehold.name': name }
}

function ofRequest({ operation, store }: RequestEvent): Attributes {
  return { 'leasehold.operation': operation, 'leasehold.store': store }
}

function withoutKind({ 'leasehold.kind': _, ...attributes }: Attributes): Attributes {
  return attributes
}

// The channels of `node:diagnostics_channel` on which a client tells its events. Owns the channels, and when an event is made:
// only while a subscriber listens. api/events.ts has the types of the events.
//
// A channel is a handle of Node's own registry, where each name is once per process: copies of this package share it. An
// error that a subscriber throws never comes back here. Node throws it later, as an uncaught exception.
import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type {
  AcquireEvent,
  AcquireOutcome,
  ClientEvent,
  HoldEvent,
  LeaseholdEvents,
  LeaseholdTraces,
  LockKind,
  Operation,
  RenewEvent,
  SessionEvent,
  SessionView,
} from '../api/events.ts'
import type { Hold } from '../api/hold.ts'
import {
  ClosedError,
  ConflictError,
  HoldLostError,
  RefusedError,
  UnavailableError,
  WaitTimeoutError,
} from '../base/errors.ts'
import type { Ending } from '../base/scope.ts'

/** The client of an event: the parts that all its events have. */
export type Origin = ClientEvent

const traces = <K extends keyof LeaseholdTraces>(name: K): TracingChannel<unknown, LeaseholdTraces[K]> =>
  tracingChannel<unknown, LeaseholdTraces[K]>(name)

const releases = traces('leasehold:release')
const renewals = traces('leasehold:renew')
const acquires = traces('leasehold:acquire')
const requests = traces('leasehold:request')

const channels: { readonly [K in keyof LeaseholdEvents]: Channel } = {
  'leasehold:session.opened': channel('leasehold:session.opened'),
  'leasehold:session.lost': channel('leasehold:session.lost'),
  'leasehold:hold.near-loss': channel('leasehold:hold.near-loss'),
  'leasehold:hold.lost': channel('leasehold:hold.lost'),
  'leasehold:leader.changed': channel('leasehold:leader.changed'),
  'leasehold:cron.tick': channel('leasehold:cron.tick'),
}

/** Publishes an event, which is made only if a subscriber listens. */
export function tell<K extends keyof LeaseholdEvents>(name: K, event: () => LeaseholdEvents[K]): void {
  const to = channels[name]
  if (to.hasSubscribers) to.publish(event())
}

/** Sends a request to the store, and tells its course. */
export function told<T>(
  origin: Origin,
  operation: Operation,
  retry: number,
  send: () => Promise<T>,
): Promise<T> {
  return requests.hasSubscribers ? requests.tracePromise(send, { ...origin, operation, retry }) : send()
}

/** A hold, as far as its events need to know. */
interface HoldOrigin {
  readonly kind: LockKind
  readonly session: {
    readonly id: string
    readonly origin: Origin
    readonly remainingMs: number
    readonly failure: unknown
  }
}

type AnyHold = Hold & { readonly name: string }

function holdEvent(hold: AnyHold, { kind, session }: HoldOrigin): HoldEvent {
  const { name, token } = hold
  return { ...session.origin, name, kind, hold, token, session: session.id }
}

/** Releases, and tells the course of it. */
export function toldRelease(hold: AnyHold, origin: HoldOrigin, release: () => Promise<void>): Promise<void> {
  return releases.hasSubscribers ? releases.tracePromise(release, holdEvent(hold, origin)) : release()
}

/** Tells that a hold is lost. The end of a hold by `close` is no loss. */
export function tellLost(hold: AnyHold, origin: HoldOrigin, error: Error): void {
  if (!(error instanceof HoldLostError)) return
  tell('leasehold:hold.lost', () => ({ ...holdEvent(hold, origin), cause: error.loss ?? 'expired', error }))
}

/** Tells that half of the life of a hold is gone without an answer. */
export function tellNearLoss(hold: AnyHold, origin: HoldOrigin): void {
  const { remainingMs, failure: error } = origin.session
  tell('leasehold:hold.near-loss', () => ({ ...holdEvent(hold, origin), remainingMs, error }))
}

/** Renews a session, and tells the course of it. `leftMs` is the time to the deadline. */
export function toldRenewal<T>(
  event: () => SessionEvent,
  renew: () => Promise<T>,
  leftMs: () => number,
): Promise<T> {
  if (!renewals.hasSubscribers) return renew()
  const told: Told<RenewEvent> = event()
  const answered = async (): Promise<T> => {
    const renewal = await renew()
    told.slackMs = leftMs()
    return renewal
  }
  return renewals.tracePromise(answered, told)
}

/** Tells that a session is lost. The end of a session by `close` is no loss. */
export function tellLostSession(event: () => SessionEvent, error: Error): void {
  if (!(error instanceof HoldLostError)) return
  tell('leasehold:session.lost', () => ({ ...event(), error, cause: error.loss ?? 'expired' }))
}

/** A session as its events show it. */
export function viewOf(session: {
  readonly id: string
  readonly remainingMs: number
  readonly ending: Ending
}): SessionView {
  return {
    id: session.id,
    get remainingMs() {
      return session.remainingMs
    },
    get status() {
      const { signal } = session.ending
      if (session.remainingMs > 0) return 'open'
      return signal.reason instanceof HoldLostError ? 'lost' : 'closed'
    },
  }
}

/** A wish, as far as its events need to know. */
interface Asked extends Pick<AcquireEvent, 'name' | 'kind' | 'permits' | 'weight'> {
  readonly waitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly onWait?: ((ahead: number, isLocal?: boolean) => unknown) | undefined
}

/** Acquires, and tells the course of it. */
export function toldAcquire<W extends Asked, R extends Hold | undefined>(
  origin: Origin,
  wish: W,
  acquire: (wish: W) => Promise<R>,
): Promise<R> {
  return acquires.hasSubscribers ? traced(origin, wish, acquire) : acquire(wish)
}

function traced<W extends Asked, R extends Hold | undefined>(
  origin: Origin,
  wish: W,
  acquire: (wish: W) => Promise<R>,
): Promise<R> {
  const { name, kind, permits, weight, waitMs } = wish
  const event: Told<AcquireEvent> = { ...origin, name, kind, permits, weight, waitMs, ahead: 0 }
  const onWait: Asked['onWait'] = (ahead, isLocal) => {
    event.ahead = ahead
    return wish.onWait?.(ahead, isLocal)
  }
  return acquires.tracePromise(async () => {
    try {
      const hold = await acquire({ ...wish, onWait })
      event.outcome = hold ? 'held' : 'busy'
      return hold
    } catch (error) {
      event.outcome = outcomeOf(error, wish.signal)
      throw error
    }
  }, event)
}

/** An event whose parts are set on the way. */
export type Told<E> = { -readonly [K in keyof E]: E[K] }

function outcomeOf(error: unknown, signal: AbortSignal | undefined): AcquireOutcome {
  if (signal?.aborted && error === signal.reason) return 'aborted'
  if (error instanceof WaitTimeoutError) return 'timeout'
  if (error instanceof UnavailableError) return 'unavailable'
  if (error instanceof RefusedError) return 'refused'
  if (error instanceof ConflictError) return 'conflict'
  return error instanceof ClosedError ? 'closed' : 'error'
}

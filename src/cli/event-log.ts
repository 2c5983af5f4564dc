// The lines of LEASEHOLD_LOG=debug: what the client asks its store, and what it is told. Owns their text, and that they end
// nothing. core/events.ts publishes the events; program.ts loads this file only if the variable is set.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type {
  AcquireEvent,
  CronTickEvent,
  HoldEvent,
  HoldLostEvent,
  LeaderChangedEvent,
  LeaseholdEvents,
  LeaseholdTraces,
  LockEvent,
  NearLossEvent,
  ReleaseEvent,
  RequestEvent,
  SessionEvent,
  SessionLostEvent,
} from '../api/events.ts'
import { type Clock, isoTime, leastElapsedMs, type Mark, systemClock } from '../base/clock.ts'
import { printable, quoted } from '../base/printable.ts'
import { messageOf, say } from './exit.ts'

/** For each channel the text of its events: undefined for an event that has no line. */
type Texts = Readonly<Record<string, (event: never) => string | undefined>>

const plain: { readonly [K in keyof LeaseholdEvents]: (event: LeaseholdEvents[K]) => string } = {
  'leasehold:session.opened': opened,
  'leasehold:session.lost': sessionLost,
  'leasehold:hold.near-loss': nearLoss,
  'leasehold:hold.lost': holdLost,
  'leasehold:leader.changed': leader,
  'leasehold:cron.tick': tick,
}

/**
 * From now on writes a line to stderr for each event of all clients of this process, until the returned function is called. A
 * line that cannot be written is dropped, and an event that cannot be shown has a line that says so. Each line is a blocking
 * write. Throws RangeError if `level`, the value of LEASEHOLD_LOG, is not `debug`.
 */
export function startLog(level: string, write: (line: string) => void = say): () => void {
  if (level !== 'debug') throw new RangeError(`LEASEHOLD_LOG: ${quoted(level)} is not known; it takes debug`)
  const clock = systemClock()
  const texts: Texts = {
    ...plain,
    ...course(clock, 'leasehold:acquire', acquired, asks),
    ...course(clock, 'leasehold:request', answered),
    ...course(clock, 'leasehold:release', released),
  }
  const listeners = Object.entries(texts).map(([channel, text]) => {
    const tell = (event: unknown): void => {
      const line = shown(channel, () => text(event as never))
      if (line !== undefined) write(`debug ${isoTime(clock.wallMs())} ${line}`)
    }
    subscribe(channel, tell)
    return (): unknown => unsubscribe(channel, tell)
  })
  return () => {
    for (const end of listeners) end()
  }
}

/** An error in a subscriber would end the process. */
function shown(channel: string, text: () => string | undefined): string | undefined {
  try {
    return text()
  } catch {
    return `an event of ${channel} cannot be shown`
  }
}

/**
 * The texts of something that takes time: `begun` at its start, and `text` at its end. `took` says how long it took. An end
 * with an error is told once, by the channel `error`.
 */
function course<K extends keyof LeaseholdTraces>(
  clock: Clock,
  name: K,
  text: (event: LeaseholdTraces[K], took: string) => string,
  begun: (event: LeaseholdTraces[K]) => string | undefined = () => undefined,
): Texts {
  const starts = new WeakMap<object, Mark>()
  const ended = (event: LeaseholdTraces[K]): string => {
    const start = starts.get(event)
    return text(event, start ? `${Math.round(leastElapsedMs(start, clock.mark()))} ms` : 'unknown time')
  }
  return {
    [`tracing:${name}:start`]: (event: LeaseholdTraces[K]) => {
      starts.set(event, clock.mark())
      return begun(event)
    },
    [`tracing:${name}:error`]: ended,
    [`tracing:${name}:asyncEnd`]: (event: LeaseholdTraces[K]) =>
      'error' in event ? undefined : ended(event),
  }
}

/** Its `result` is the store's own answer, which may have checkpoints and values of others: it is never shown. */
function answered(event: RequestEvent, took: string): string {
  const { operation, retry } = event
  const again = retry > 0 ? `, repetition ${retry}` : ''
  return `request ${operation}${again}: ${'error' in event ? 'failed' : 'answered'} after ${took}${why(event)}`
}

function opened({ session, ttlMs, store }: SessionEvent): string {
  return `session ${printable(session.id)} opened at ${printable(store)}, time to live ${ttlMs} ms`
}

function sessionLost({ session, cause, error }: SessionLostEvent): string {
  return `session ${printable(session.id)} lost, ${cause}${why({ error })}`
}

function asks(event: AcquireEvent): string {
  const { kind, permits, weight, waitMs } = event
  const part = kind === 'semaphore' ? `, ${weight} of ${permits} permits` : ''
  const wait =
    waitMs === undefined ? 'waits' : waitMs > 0 ? `waits for ${Math.ceil(waitMs)} ms` : 'does not wait'
  return `acquire ${quoted(event.name)}: ${kind}${part}, ${wait}`
}

function acquired(event: AcquireEvent, took: string): string {
  const { outcome = 'error', result } = event
  const token = result ? `, token ${result.token}` : ''
  return `acquire ${quoted(event.name)}: ${outcome} after ${took}${token}${why(event)}`
}

function released(event: ReleaseEvent, took: string): string {
  return `release ${held(event)}: ${'error' in event ? 'failed' : 'done'} after ${took}${why(event)}`
}

function nearLoss(event: NearLossEvent): string {
  const { remainingMs, error } = event
  const last = error === undefined ? ': its renewal is not answered yet' : why({ error })
  return `hold near loss ${held(event)}, ${Math.round(remainingMs)} ms left${last}`
}

function holdLost(event: HoldLostEvent): string {
  return `hold lost ${held(event)}, ${event.cause}${why(event)}`
}

function leader({ name, leader, mine, seenBy }: LeaderChangedEvent): string {
  const by = `${mine ? 'of this client, ' : ''}seen by its ${seenBy}`
  const who = leader ? `${quoted(leader.value)}, token ${leader.token}` : 'none known'
  return `leader ${quoted(name)}: ${who}, ${by}`
}

function tick(event: CronTickEvent): string {
  const { name, tickMs, outcome, token, durationMs } = event
  const fence = token === undefined ? '' : `, token ${token}`
  const end = `${outcome} after ${Math.round(durationMs)} ms${fence}`
  return `tick ${isoTime(tickMs)} ${quoted(name)}: ${end}${why(event)}`
}

function held({ name, token }: LockEvent & Pick<HoldEvent, 'token'>): string {
  return `${quoted(name)}, token ${token}`
}

/** The message of the error, if there is one. */
function why(event: { readonly error?: unknown }): string {
  return event.error === undefined ? '' : `: ${messageOf(event.error)}`
}

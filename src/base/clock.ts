// Time, timers, randomness and identity. They are injected everywhere, so that a test can control them. Only this file
// reads a clock or sets a timer; a lint rule checks that.
import { uptime } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { untilAborted } from './abort.ts'

/** One instant, read from three clocks. Marks are only comparable within one process, except those of `machineMark`. */
export interface Mark {
  /** Monotonic clock, in ms. Advances while the process is stopped, but (on Linux) not while the machine is suspended. */
  readonly monotonicMs: number
  /** Wall clock, in ms. Advances during suspend, and jumps when the clock is set. */
  readonly wallMs: number
  /** Time since boot, in ms. Advances during suspend, in steps of 10 ms. */
  readonly uptimeMs: number
}

/** The time and randomness that Leasehold uses. Replace it in tests and simulations. */
export interface Clock {
  /** The present instant. Costs well under 1 µs, and 10 µs once in 10 ms. */
  mark(): Mark
  /** Wall clock in ms since 1970, for people to read. No decision depends on it. */
  wallMs(): number
  /**
   * Calls `run` once, `ms` ms later or a little after that. The returned function cancels. If `inBackground` is true, the
   * timer alone does not keep the process alive; a clock may leave that out.
   */
  after(ms: number, run: () => void, inBackground?: boolean): () => void
  /** A number in [0, 1), for jitter. */
  random(): number
  /** A random positive 63-bit integer, used as a unique identity. */
  id(): bigint
  /**
   * A promise for the next turn of the event loop, if the loop has had none during 5 ms of calls to this method;
   * otherwise undefined. Each request awaits it after its answer: then timers and sockets also run during a loop of
   * requests to a store that answers at once. A clock without an event loop leaves this method out. Costs well under
   * 1 µs, and one callback per turn.
   */
  turn?(): Promise<void> | undefined
}

/** A wall clock's time in ISO 8601, for people to read. */
export function isoTime(wallMs: number): string {
  return new Date(wallMs).toISOString()
}

/**
 * `isoTime` for one time after another: times of one second share their text but for the milliseconds. To make one from the
 * start takes as long as a tenth of an acquire on a store in memory.
 */
export function isoTimes(): (wallMs: number) => string {
  let [madeS, text] = [Number.NaN, '']
  return (wallMs) => {
    const second = Math.floor(wallMs / 1_000)
    if (second !== madeS) text = isoTime(second * 1_000).slice(0, -'000Z'.length)
    madeS = second
    return `${text}${String(Math.floor(wallMs) % 1_000).padStart(3, '0')}Z`
  }
}

/** The time that a text names, such as the header Date of HTTP, in ms since 1970. NaN if it names none. */
export function timeIn(text = ''): number {
  return Date.parse(text)
}

/**
 * The present instant as every process of this machine sees it: marks of one process may be compared with those of
 * another. Costs about 10 µs.
 */
export function machineMark(): Mark {
  const monotonicMs = Number(process.hrtime.bigint()) / 1e6
  return { monotonicMs, wallMs: Date.now(), uptimeMs: uptime() * 1000 }
}

const longestTimerMs = 2 ** 31 - 1
const uptimeGrainMs = 10
/** How long a loop of requests may block the event loop, in ms. */
const longestTurnMs = 5

/** The clocks and timers of this machine. */
export function systemClock(): Clock {
  let last: Mark = { monotonicMs: Number.NEGATIVE_INFINITY, wallMs: 0, uptimeMs: 0 }
  return {
    mark() {
      const monotonicMs = performance.now()
      const wallMs = Date.now()
      // The uptime costs far more to read than the other two clocks, and moves in steps of 10 ms. So it is read again
      // only when one of the other two has moved by that much.
      const fresh = Math.max(monotonicMs - last.monotonicMs, Math.abs(wallMs - last.wallMs)) < uptimeGrainMs
      if (fresh) return { monotonicMs, wallMs, uptimeMs: last.uptimeMs }
      last = { monotonicMs, wallMs, uptimeMs: uptime() * 1000 }
      return last
    },
    wallMs: () => Date.now(),
    after: startTimer,
    random: () => Math.random(),
    id: () => BigInt.asUintN(63, randomBytes(8).readBigUInt64BE()) || 1n,
    turn: turns(),
  }
}

/** Loads the module when it is first called: the guardian of a command needs no id, and starts sooner without it. */
function randomBytes(count: number): Buffer {
  return process.getBuiltinModule('node:crypto').randomBytes(count)
}

/** Makes the `turn` of a clock. A series of calls begins with the first call after a turn of the event loop. */
function turns(): () => Promise<void> | undefined {
  let sinceMs = 0
  let next: Promise<void> | undefined
  return () => {
    const nowMs = performance.now()
    if (next) return nowMs - sinceMs < longestTurnMs ? undefined : next
    sinceMs = nowMs
    next = nextTurn().then(() => {
      next = undefined
    })
    return undefined
  }
}

function startTimer(ms: number, run: () => void, inBackground = false): () => void {
  if (ms > longestTimerMs) return startLongTimer(ms, run, inBackground)
  const timer = setTimeout(run, Math.max(0, ms))
  if (inBackground) timer.unref()
  return () => clearTimeout(timer)
}

/** setTimeout takes at most 24 days, so a longer timer is a chain of several. */
function startLongTimer(ms: number, run: () => void, inBackground: boolean): () => void {
  const goOn = (): void => {
    cancel = startTimer(ms - longestTimerMs, run, inBackground)
  }
  let cancel = startTimer(longestTimerMs, goOn, inBackground)
  return () => cancel()
}

/**
 * The most time, in ms, that can have passed between two marks: the largest difference of the three clocks. It includes
 * the time in suspend, and a wall clock that was set back does not make it smaller. It may be too large, so use it to
 * decide when a client has to stop.
 */
export function mostElapsedMs(since: Mark, now: Mark): number {
  return Math.max(
    now.monotonicMs - since.monotonicMs,
    now.wallMs - since.wallMs,
    now.uptimeMs - since.uptimeMs,
  )
}

/**
 * The least time, in ms, that has passed between two marks, by the monotonic clock. Use it to decide when a client has
 * waited long enough to take something away from others.
 */
export function leastElapsedMs(since: Mark, now: Mark): number {
  return now.monotonicMs - since.monotonicMs
}

/** Resolves after `ms`. Rejects with `signal.reason` as soon as the signal aborts. Leaves no timer behind. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return untilAborted(signal, ({ resolve }) => clock.after(ms, resolve))
}

// Time, timers, randomness and identity, injected everywhere so that a test can own them. This is the only
// file that reads a clock or sets a timer; a lint rule keeps it so.
import { randomBytes } from 'node:crypto'
import { uptime } from 'node:os'
import { untilAborted } from './abort.ts'

/** One instant as three clocks saw it. Only differences between marks mean anything, and only of one process: see `machineMark`. */
export interface Mark {
  /** Monotonic clock, in ms. Counts a stopped process, but on Linux not a suspended machine. */
  readonly monotonicMs: number
  /** Wall clock, in ms. Counts suspend, and jumps when somebody sets it. */
  readonly wallMs: number
  /** Time since boot, in ms. Counts suspend; coarse. */
  readonly uptimeMs: number
}

/** What Leasehold needs to know of time and chance. Swap it to test, or to simulate. */
export interface Clock {
  /** The present instant. Costs well under a microsecond, and 10 µs once in 10 ms. */
  mark(): Mark
  /** Wall clock in ms since 1970, for people to read. No decision rests on it. */
  wallMs(): number
  /** Runs `run` once, after at least about `ms` ms; the function returned cancels. */
  after(ms: number, run: () => void): () => void
  /** A number in [0, 1), for jitter. */
  random(): number
  /** A random positive 63-bit integer: an identity nobody else has. */
  id(): bigint
}

/** A wall clock's time as ISO 8601 has it, for people to read. */
export function isoTime(wallMs: number): string {
  return new Date(wallMs).toISOString()
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

/** The clocks and timers of this machine. */
export function systemClock(): Clock {
  let last: Mark = { monotonicMs: Number.NEGATIVE_INFINITY, wallMs: 0, uptimeMs: 0 }
  return {
    mark() {
      const monotonicMs = performance.now()
      const wallMs = Date.now()
      // The uptime costs far more to read than the others and has a grain of 10 ms: within one grain of both
      // others it has nothing new to tell.
      const fresh = Math.max(monotonicMs - last.monotonicMs, Math.abs(wallMs - last.wallMs)) < uptimeGrainMs
      if (fresh) return { monotonicMs, wallMs, uptimeMs: last.uptimeMs }
      last = { monotonicMs, wallMs, uptimeMs: uptime() * 1000 }
      return last
    },
    wallMs: () => Date.now(),
    after: startTimer,
    random: () => Math.random(),
    id: () => BigInt.asUintN(63, randomBytes(8).readBigUInt64BE()) || 1n,
  }
}

function startTimer(ms: number, run: () => void): () => void {
  if (ms > longestTimerMs) return startLongTimer(ms, run)
  const timer = setTimeout(run, Math.max(0, ms))
  return () => clearTimeout(timer)
}

/** setTimeout takes no more than 24 days: a longer timer is several, one after the other. */
function startLongTimer(ms: number, run: () => void): () => void {
  let cancel = startTimer(longestTimerMs, () => {
    cancel = startTimer(ms - longestTimerMs, run)
  })
  return () => cancel()
}

/**
 * The most time, in ms, that can have passed between two marks: the largest of what the three clocks say, so
 * that suspend counts and a clock set back hides nothing. It errs towards "later": right for whoever must stop.
 */
export function mostElapsedMs(since: Mark, now: Mark): number {
  return Math.max(
    now.monotonicMs - since.monotonicMs,
    now.wallMs - since.wallMs,
    now.uptimeMs - since.uptimeMs,
  )
}

/**
 * The least time, in ms, that has passed between two marks: for whoever may take something away from others
 * only after a wait.
 */
export function leastElapsedMs(since: Mark, now: Mark): number {
  return now.monotonicMs - since.monotonicMs
}

/** Resolves after `ms`. Rejects with `signal.reason` at once when the signal aborts; leaves no timer behind. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return untilAborted(signal, ({ resolve }) => clock.after(ms, resolve))
}

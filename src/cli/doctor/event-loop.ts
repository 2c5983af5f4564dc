// Measures how late the event loop of this process is, for `leasehold doctor`. Owns which delay is worth a finding.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Finding, Level } from '../../base/finding.ts'

/** How often the delay is looked at, in ms. */
const resolutionMs = 10

/** A measurement under way. */
export interface LoopDelay {
  /** Ends the measurement. `renewalMs` is the time between two renewals of a session. */
  finding(renewalMs: number): Finding
}

/** Begins to measure. */
export function eventLoopDelay(): LoopDelay {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  return {
    finding(renewalMs) {
      delay.disable()
      // The histogram has the whole time between two looks.
      const ms = (nanoseconds: number): number => Math.max(0, Math.round(nanoseconds / 1e6) - resolutionMs)
      return judged({ mostMs: ms(delay.max), p99Ms: ms(delay.percentile(99)) }, renewalMs)
    },
  }
}

/** The finding for a delay. */
export function judged({ mostMs, p99Ms }: { mostMs: number; p99Ms: number }, renewalMs: number): Finding {
  const level: Level = mostMs > renewalMs ? 'problem' : mostMs > renewalMs / 3 ? 'warning' : 'ok'
  const text =
    `the event loop of this process was at most ${mostMs} ms late, and renewals are ` +
    `${Math.round(renewalMs)} ms apart; your own program may be later`
  const next = 'give this machine or container more processor time, or the locks a longer time to live'
  const data = { mostMs, p99Ms, renewalMs: Math.round(renewalMs) }
  return { check: 'event loop', level, text, data, ...(level === 'ok' ? {} : { next }) }
}

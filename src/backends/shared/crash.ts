// The finding that says what the crash of a holder costs. Owns its words; each backend knows the times of its store.
import type { Finding } from '../../base/finding.ts'

/** The times after which a lock is free when its holder crashed, in ms. */
export interface CrashTimes {
  readonly leastMs: number
  readonly mostMs: number
  /** The part of both that is the lock-delay. */
  readonly lockDelayMs: number
}

/** The finding, with a remark about this store. */
export function crashFinding(times: CrashTimes, remark: string): Finding {
  const { leastMs, mostMs, lockDelayMs } = times
  const range =
    mostMs === 0 ? 'at once' : `after ${seconds(leastMs)} to ${seconds(mostMs)}${delay(lockDelayMs)}`
  const text = `when a holder crashes, its lock is free ${range}; ${remark}`
  return { check: 'crash', level: 'ok', text, data: { ...times } }
}

function delay(ms: number): string {
  return ms > 0 ? `, of which ${seconds(ms)} are the lock-delay` : ''
}

/** A time in seconds, to a tenth. */
export function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}

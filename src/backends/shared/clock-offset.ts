// How far the clock of a server is from that of this machine, from the header Date of its answers. The header has whole
// seconds, so one answer leaves an interval of a second; several answers within a second leave a smaller one.
import { pause, timeIn } from '../../base/clock.ts'
import type { ExamineOptions, Finding } from '../../base/finding.ts'
import { timed } from './timed.ts'

/** One answer: the wall clock of this machine before and after, and the time in the answer, all in ms since 1970. */
export interface DatedAnswer {
  readonly sentMs: number
  readonly receivedMs: number
  readonly date: string | undefined
}

/** The answers that an estimate uses, and the pause between them, so that they fall into different parts of a second. */
const datedAnswers = { count: 6, everyMs: 170 } as const

/** The difference at which jobs that run every minute may be skipped or repeated: half of that minute. */
const jobsDifferMs = 30_000
/** The difference from which a person should set the clocks. */
const badMs = 5_000

/** Server minus machine: the middle of what is possible, and how far the truth may be from it. */
export interface Offset {
  readonly offsetMs: number
  readonly boundMs: number
}

/** The estimate from some answers. Undefined if none has a time, or if they contradict each other since a clock was set. */
export function offsetOf(answers: readonly DatedAnswer[]): Offset | undefined {
  let [least, most] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (const { sentMs, receivedMs, date } of answers) {
    const saidMs = timeIn(date)
    if (Number.isNaN(saidMs)) continue
    least = Math.max(least, saidMs - receivedMs)
    most = Math.min(most, saidMs + 1_000 - sentMs)
  }
  if (!Number.isFinite(least) || most < least) return undefined
  return { offsetMs: Math.round((least + most) / 2), boundMs: Math.ceil((most - least) / 2) }
}

/** Compares the clocks by several answers. `ask` resolves with the header Date of one answer. Takes about a second. */
export async function compareClocks(
  server: string,
  ask: (signal: AbortSignal) => Promise<string | undefined>,
  options: ExamineOptions,
): Promise<Finding> {
  const { clock, signal } = options
  const answers: DatedAnswer[] = []
  for (let count = 0; count < datedAnswers.count; count += 1) {
    if (count > 0) await pause(clock, datedAnswers.everyMs, signal)
    const sentMs = clock.wallMs()
    const outcome = await timed(options, ask)
    if ('error' in outcome) break
    answers.push({ sentMs, receivedMs: clock.wallMs(), date: outcome.answer })
  }
  return clockFinding(server, offsetOf(answers))
}

/** The finding for an estimate. */
export function clockFinding(server: string, offset: Offset | undefined): Finding {
  const check = 'clock'
  if (!offset) {
    const text = `${server} does not tell its time, so the clocks could not be compared`
    return { check, level: 'note', text, next: 'compare them by hand, if you use cron jobs' }
  }
  const { offsetMs, boundMs } = offset
  const surelyMs = Math.abs(offsetMs) - boundMs
  const level = surelyMs > jobsDifferMs ? 'problem' : surelyMs > badMs ? 'warning' : 'ok'
  const side = offsetMs < 0 ? 'behind' : 'ahead of'
  const text = `the clock of ${server} is ${Math.abs(offsetMs)} ms ${side} that of this machine, give or take ${boundMs} ms`
  const next =
    'set the clocks of all hosts by NTP; locks do not depend on them, but the ticks of cron jobs and times in ls do'
  return { check, level, text, data: { ...offset }, ...(level === 'ok' ? {} : { next }) }
}

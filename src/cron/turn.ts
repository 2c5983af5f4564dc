// One host's turn at a cron job, under the lock: which ticks it runs, when each is marked, and how the job is brought to an
// end. Owns that nothing is marked that does not begin.
import type { CronJob } from '../api/cron.ts'
import type { Holder } from '../api/hold.ts'
import { type Clock, isoTime } from '../base/clock.ts'
import type { Scope } from '../base/scope.ts'
import { awaitWithGrace } from '../core/grace.ts'
import type { TickHold } from './marker.ts'
import { Final } from './outlast.ts'
import type { Schedule } from './schedule.ts'

/** A job to run under the lock. */
export interface Work<T> {
  readonly name: string
  readonly clock: Clock
  readonly hold: TickHold
  readonly job: CronJob<T>
  /** Ends when the job has to. */
  readonly scope: Scope
  readonly graceMs: number
}

/** A job to run, and the facts for its record. */
export interface Turn<T> extends Work<T> {
  readonly schedule: Schedule | undefined
  readonly horizonMs: number
  /** Tokens under which this host has marked a tick and not begun it. */
  readonly unbegun: Set<string>
  /** Called each time that a tick has come to be on record, before its job begins. */
  readonly onMarked: (tickMs: number) => void
}

/**
 * Marks a tick, does the job, and marks that it is done: a job that throws has come to an end, too. Rejects with a Final once
 * the job has begun. Before, the tick is left to others.
 */
export async function perform<T>(turn: Turn<T>, tickMs: number, by: Holder): Promise<T> {
  const { hold, scope, schedule, horizonMs, unbegun, clock } = turn
  const token = String(hold.token)
  scope.throwIfEnded()
  const mark = { tickMs, previousMs: schedule?.last(tickMs - 1), horizonMs, by, token }
  unbegun.add(token) // until the job begins, however the mark is answered
  await hold.mark({ ...mark, done: false })
  hold.assertHeld() // the mark may have taken its time
  turn.onMarked(tickMs)
  unbegun.delete(token)
  const ended = () => ({ ...mark, done: true, ended: isoTime(clock.wallMs()) })
  try {
    const value = await work(turn, tickMs).catch(async (error) => {
      await hold.mark(ended()).catch(() => {})
      throw error
    })
    await hold.mark(ended())
    return value
  } catch (error) {
    throw new Final(error)
  }
}

/** Does the job, and waits for its end: once the scope ends or the lock is lost, for no longer than the grace. */
export async function work<T>(work: Work<T>, tickMs: number): Promise<T> {
  const { name, clock, hold, scope, graceMs, job } = work
  // If the scope has ended, the job's signal is aborted from the start, and the job has its grace.
  const forget = scope.onEnd((reason) => hold.askToStop(reason))
  try {
    const working = (async () => job(hold, new Date(tickMs)))()
    working.catch(() => {}) // it may fail when nobody waits for it any more
    const stuck = await awaitWithGrace(working, hold.signal, { clock, graceMs, name })
    if (stuck) throw stuck
    hold.assertHeld()
    return await working
  } finally {
    forget()
  }
}

// One host's turn at a cron job, under the lock: marks a tick, runs the job, and ends it in its grace. Owns that a tick
// counts as taken only if its job began.
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
  /** Its end asks the job to stop. */
  readonly scope: Scope
  readonly graceMs: number
}

/** A job to run, and the facts for its record. */
export interface Turn<T> extends Work<T> {
  readonly schedule: Schedule | undefined
  readonly horizonMs: number
  /** Tokens under which this host has marked a tick and not begun it. */
  readonly unbegun: Set<string>
  /** Called each time that a tick is on record, before its job begins. */
  readonly onMarked: (tickMs: number) => void
}

/**
 * Marks a tick, runs the job, and marks that it is done, also if the job throws. If the job has begun, rejects with a
 * Final. If it has not, rejects with the error itself, and the tick is left to others.
 */
export async function perform<T>(turn: Turn<T>, tickMs: number, by: Holder): Promise<T> {
  const { hold, scope, schedule, horizonMs, unbegun, clock } = turn
  const token = String(hold.token)
  scope.throwIfEnded()
  const mark = { tickMs, previousMs: schedule?.last(tickMs - 1), horizonMs, by, token }
  unbegun.add(token) // until the job begins: the mark may be on record though its answer is an error
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

/** Runs the job, and waits for its end. If the scope ends or the lock is lost, it waits only for the grace. */
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

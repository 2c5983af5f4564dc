// One host's turn at a cron job, under the lock: marks a tick, runs the job, and ends it within its grace. Ensures that a
// tick counts as taken only if its job began.
import type { CronJob } from '../api/cron.ts'
import type { Holder } from '../api/hold.ts'
import { type Clock, isoTime } from '../base/clock.ts'
import { RefusedError } from '../base/errors.ts'
import type { Scope } from '../base/scope.ts'
import { awaitWithGrace } from '../core/grace.ts'
import type { TickHold } from './marker.ts'
import { Final } from './outlast.ts'
import { type Mark, type Span, spanReplaced, withoutMark } from './ruling.ts'
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

/** A tick that was marked. */
export interface Unbegun {
  readonly tickMs: number
  /** The span that the mark has replaced. */
  readonly replaced: Span | undefined
}

/** A job to run, and the facts for its record. */
export interface Turn<T> extends Work<T> {
  readonly schedule: Schedule | undefined
  readonly horizonMs: number
  /** By token: the ticks that this host has marked and not begun, whether or not the store answered. */
  readonly unbegun: Map<string, Unbegun>
  /** Called each time that a tick is on record, before its job begins. */
  readonly onMarked: (tickMs: number) => void
}

/**
 * Marks a tick, runs the job, and marks that it is done, also if the job throws. If the job has begun, rejects with a
 * Final. If it has not, rejects with the error itself, and the tick is left to others: if the scope ends during the mark, the
 * record becomes again what it was.
 */
export async function perform<T>(turn: Turn<T>, tickMs: number, by: Holder): Promise<T> {
  const { hold, schedule, horizonMs, clock } = turn
  const previousMs = schedule?.last(tickMs - 1)
  const mark = { tickMs, previousMs, horizonMs, by, token: String(hold.token), done: false }
  await begin(turn, mark)
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

/** Puts the tick on record. Until its job is sure to begin, the mark counts as unbegun. */
async function begin(turn: Turn<unknown>, mark: Mark & { readonly token: string }): Promise<void> {
  const { hold, scope, unbegun } = turn
  const { tickMs, token } = mark
  scope.throwIfEnded()
  const replaced = spanReplaced(hold.marker, mark)
  const before = replaced?.token === undefined ? undefined : unbegun.get(replaced.token)
  unbegun.set(token, { tickMs, replaced: before ? before.replaced : replaced })
  await hold.mark(mark).catch((error) => {
    if (error instanceof RefusedError) unbegun.delete(token) // nothing was written
    throw error
  })
  if (scope.ended) await giveBack(turn, token)
  hold.assertHeld() // the mark may have taken its time
  turn.onMarked(tickMs)
  forget(unbegun, tickMs)
}

/** Takes the mark of a tick back, and throws the reason of the scope. A mark that stays on record stays unbegun. */
async function giveBack({ hold, scope, unbegun }: Turn<unknown>, token: string): Promise<void> {
  const mark = unbegun.get(token) as Unbegun
  const record = hold.record(withoutMark(hold.marker, { ...mark, token }))
  await record.then(
    () => forget(unbegun, mark.tickMs),
    () => {}, // taking.ts reports it
  )
  scope.throwIfEnded()
}

/** From now on no mark of this tick counts as unbegun, including marks of earlier tries. */
function forget(unbegun: Map<string, Unbegun>, tickMs: number): void {
  for (const [token, mark] of unbegun) if (mark.tickMs === tickMs) unbegun.delete(token)
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

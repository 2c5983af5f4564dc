// Ensures that the command never outlives its lock, and leaves nothing running when it ends. Owns when the group gets
// SIGTERM and SIGKILL.

import type { Hold } from '../../api/hold.ts'
import type { Leasehold } from '../../api/leasehold.ts'
import { orAborted } from '../../base/abort.ts'
import { type Clock, type Mark, mostElapsedMs, pause } from '../../base/clock.ts'
import { RefusedError } from '../../base/errors.ts'
import { coveredMs, marginMs, renewalMs, requestMs } from '../../core/lifetime.ts'
import { exitStatus } from '../exit.ts'
import type { ChildGroup } from './child.ts'
import type { JobHold } from './environment.ts'
import type { Guardian } from './guardian.ts'

/** How long before the deadline SIGKILL is sent, so that the processes have ended by then. */
const killAheadMs = 100
/** The longest time between two looks at the deadline: timers do not count the time of a suspended machine. */
const lookMs = 1_000
/** How long processes that the command left may take to end by themselves, as `tee` does after its writer. */
const lingerMs = 250
/** How often the system is asked whether a group is empty. */
const askMs = 10
/** How long to wait for processes that not even SIGKILL ends: a stuck disk, or another user's. */
const unkillableMs = 2_000

/**
 * The time between SIGTERM and SIGKILL when the lock is lost or about to be: `graceMs`, or less, so that one unanswered
 * renewal never stops the command. After an unanswered renewal the next one is sent one request's time later. Of the
 * time from then to the deadline the group has two thirds, and the answer has one third.
 */
export function graceOnLossMs({ ttlMs, facts }: Pick<Leasehold, 'ttlMs' | 'facts'>, graceMs: number): number {
  const covered = coveredMs(ttlMs, facts)
  const spareMs = covered - marginMs(covered) - renewalMs(ttlMs, facts) - requestMs(covered)
  return Math.min(graceMs, (spareMs * 2) / 3)
}

/** The processes to oversee, and the times. */
export interface Watch {
  readonly hold: JobHold
  readonly group: ChildGroup
  readonly guardian: Guardian
  readonly clock: Clock
  /** How long no other client can hold after the store last confirmed the session. */
  readonly coveredMs: number
  /** Time between SIGTERM and SIGKILL while the lock is held. */
  readonly graceMs: number
  /** The same when the lock is the reason: it is about to be lost, or is. */
  readonly graceOnLossMs: number
  readonly say: (message: string) => void
}

/** How the command ended. */
export interface Verdict {
  /** The command's exit status, or 70 if the lock was lost, or nearly lost, while a process of the command ran. */
  readonly status: number
  readonly lost: boolean
  /** Whether a process of the command still runs, since not even SIGKILL ended it. */
  readonly stuck: boolean
  /** Whether one of the signals `endsOn` had asked the command to end. */
  readonly asked: boolean
}

/** Watches one command under one hold. */
export class Overseer {
  readonly #watch: Watch
  readonly #hopeless = new AbortController()
  /** Time to the deadline at the last look. It is kept, since a lost hold no longer says when its deadline was. */
  #seen: { at: Mark; leftMs: number }
  #loss: 'near' | 'told' | undefined
  /** Time to the deadline when the loss was noted. If there is more time later, a renewal has come after all. */
  #lostAtMs = Infinity
  #stopping: { since: Mark; graceMs: number } | undefined
  #terminated = false
  /** The signal that asked the command to end while the lock was held. */
  #asked: NodeJS.Signals | undefined
  #killed: Mark | undefined
  #cancelLook = (): void => {}

  /** Starts to watch at once. */
  constructor(watch: Watch) {
    this.#watch = watch
    this.#seen = { at: watch.clock.mark(), leftMs: watch.hold.remainingMs }
    watch.hold.signal.addEventListener('abort', this.look)
    watch.guardian.intervened.addEventListener('abort', this.look)
    this.look()
  }

  /** Resolves when no process of the command runs any more, or only processes that not even SIGKILL ends. */
  async verdict(): Promise<Verdict> {
    const { group, hold, say } = this.#watch
    const own = await orAborted(group.ended, this.#hopeless.signal).catch(() => exitStatus.lost)
    const stuck = !(await this.#clear())
    // Reading the signal shows a loss that no timer has reported yet, for example after a stop of this process.
    if (hold.signal.aborted) this.look()
    else if (hold.remainingMs > this.#lostAtMs)
      say('contact came back after the command had been told to stop')
    hold.signal.removeEventListener('abort', this.look)
    this.#watch.guardian.intervened.removeEventListener('abort', this.look)
    this.#cancelLook()
    const lost = this.#loss !== undefined
    return { status: lost ? exitStatus.lost : own, lost, stuck, asked: this.#asked !== undefined }
  }

  /** Called when the command got a signal that asks it to end: from now on it has the grace. */
  expectEnd(signal: NodeJS.Signals): void {
    const { clock, graceMs } = this.#watch
    this.#asked ??= signal
    this.#terminated ||= signal === 'SIGTERM'
    if (this.#graceLeftMs() > graceMs) this.#stopping = { since: clock.mark(), graceMs }
    this.look()
  }

  /** Stops or kills the command if it is time to, and sets the timer of the next look. */
  look = (): void => {
    const { hold, graceMs, graceOnLossMs, guardian } = this.#watch
    const told = hold.signal.aborted
    if (!told) this.#see()
    const leftMs = this.#seen.leftMs - this.#sinceMs(this.#seen.at)
    const nearMs = Math.max(graceOnLossMs, killAheadMs)
    const late = leftMs <= killAheadMs || (told && this.#loss === 'near')
    if (told) this.#lose('told', (hold.signal.reason as Error).message)
    else if (leftMs <= nearMs) this.#lose('near', `${whyNotRenewed(hold)}, ${Math.round(leftMs)} ms are left`)
    else if (guardian.intervened.aborted) this.#lose('near', (guardian.intervened.reason as Error).message)
    if (this.#loss && !late) this.#stop(told ? graceOnLossMs : graceMs)
    if (late || this.#graceLeftMs() <= 0) this.#kill()
    this.#lookAgain(Math.min(this.#graceLeftMs(), leftMs - (this.#loss ? killAheadMs : nearMs)))
  }

  /** Notes how long the hold lasts, and sends it to the guardian. */
  #see(): void {
    const { hold, clock, guardian } = this.#watch
    this.#seen = { at: clock.mark(), leftMs: hold.remainingMs }
    guardian.beat(hold)
  }

  /**
   * Waits until the group is empty, and stops processes that the command left. Resolves with whether the group is
   * empty.
   */
  async #clear(): Promise<boolean> {
    const { graceMs, say } = this.#watch
    if (await this.#emptyWithin(lingerMs)) return true
    if (!this.#loss) say('the command left processes running; they are stopped before the lock is released')
    this.#stop(graceMs)
    this.look()
    if (await this.#emptyWithin(Infinity)) return true
    say('not even SIGKILL ended every process of the command')
    return false
  }

  /** Asks again and again, since the system has no event for an empty group. This happens only at the end. */
  async #emptyWithin(ms: number): Promise<boolean> {
    const { clock, group } = this.#watch
    const { signal } = this.#hopeless
    const since = clock.mark()
    while (!group.empty) {
      if (signal.aborted || this.#sinceMs(since) > ms) return false
      await pause(clock, askMs, signal).catch(() => {})
    }
    return true
  }

  /** Notes a loss. A later renewal does not undo it. */
  #lose(loss: 'near' | 'told', reason: string): void {
    const first = !this.#loss
    this.#loss = loss
    if (!first) return
    this.#lostAtMs = this.#seen.leftMs
    this.#watch.say(this.#watch.group.empty ? reason : `${reason}; stopping the command`)
    this.#watch.guardian.stopping()
  }

  /** Sends SIGTERM, once. A further call may shorten the grace, never lengthen it. */
  #stop(graceMs: number): void {
    if (!this.#terminated) this.#terminate()
    if (this.#graceLeftMs() <= graceMs) return
    this.#stopping = { since: this.#watch.clock.mark(), graceMs }
  }

  #terminate(): void {
    const { group } = this.#watch
    this.#terminated = true
    group.signal('SIGTERM')
    group.signal('SIGCONT') // a stopped process reacts to SIGTERM only after SIGCONT
  }

  #graceLeftMs(): number {
    return this.#stopping ? this.#stopping.graceMs - this.#sinceMs(this.#stopping.since) : Infinity
  }

  #kill(): void {
    const { clock, group, graceMs, say } = this.#watch
    const late = this.#asked && !this.#loss && !this.#killed && !group.empty
    if (late) say(`the command still ran ${graceMs / 1_000} s after ${this.#asked}; killing it`)
    this.#killed ??= clock.mark()
    group.signal('SIGKILL')
    if (this.#sinceMs(this.#killed) > unkillableMs) this.#hopeless.abort()
  }

  #lookAgain(ms: number): void {
    this.#cancelLook()
    // The guardian must learn of a renewal before the deadline that it knows is near.
    const restMs = Math.min(lookMs, this.#watch.coveredMs / 10)
    const inMs = this.#killed ? lookMs : Math.min(restMs, Math.max(1, ms))
    this.#cancelLook = this.#watch.clock.after(inMs, this.look)
  }

  #sinceMs(mark: Mark): number {
    return mostElapsedMs(mark, this.#watch.clock.mark())
  }
}

/** The reason why the hold is not renewed. If the store refuses, it is the message of the store. */
function whyNotRenewed(hold: Pick<Hold, 'assertHeld'>): string {
  try {
    hold.assertHeld(Number.MAX_SAFE_INTEGER)
  } catch (error) {
    const { cause } = error as Error
    if (cause instanceof RefusedError) return cause.message
  }
  return 'no contact with the store'
}

// Wakes waiters whose answer may have changed: by the wake file of their session, and otherwise by a look every 25 ms.
// Owns the watches and the one timer, which exist only while a caller waits. The functions `look` of the callers read
// the database.
import type { FSWatcher } from 'node:fs'
import { untilAborted } from '../../base/abort.ts'
import type { Clock } from '../../base/clock.ts'
import type { Attempt } from '../../contract.ts'
import type { SessionFiles } from './session-files.ts'

/**
 * A waiter's look at its claim. Returns the new answer, or 'changed' if the waiter has to ask again, or undefined to
 * wait on.
 */
export type Look<T = Attempt> = (cause: Cause) => T | 'changed' | undefined

/** Why to look: `event` after a change of the database, `tick` after 25 ms, `thorough` at every tenth tick. */
export type Cause = 'event' | 'tick' | 'thorough'

interface Wait {
  readonly session: string
  readonly everyMs: number
  /** Looks, and settles the wait if it is over. */
  readonly look: (cause: Cause) => void
}

/**
 * How often a waiter looks whether the holder died, an observer whether there is another, and a holder whether its
 * claim is gone.
 */
export const lookMs = { waiting: 25, observing: 50, holding: 250 } as const
const thoroughEvery = 10

/** All waits of one client. */
export class Waits {
  readonly #clock: Clock
  readonly #files: () => SessionFiles
  readonly #version: () => bigint
  readonly #waits = new Set<Wait>()
  readonly #watches = new Map<string, FSWatcher>()
  #lastVersion = -1n
  #ticks = 0
  #nextMs = Number.POSITIVE_INFINITY
  #cancelTick = (): void => {}

  /** `version` reads a number that changes when another process has changed the database. */
  constructor(clock: Clock, files: () => SessionFiles, version: () => bigint) {
    this.#clock = clock
    this.#files = files
    this.#version = version
  }

  /** Resolves with what `look` found, or rejects with `signal.reason`. */
  wait<T>(session: string, everyMs: number, look: Look<T>, signal: AbortSignal): Promise<T | undefined> {
    return untilAborted(signal, ({ resolve }) => {
      const lookOnce = (cause: Cause): void => {
        const found = foundBy(look, cause)
        if (found) resolve(found === 'changed' ? undefined : found)
      }
      const wait: Wait = { session, everyMs, look: lookOnce }
      this.#begin(wait)
      return () => {
        this.#waits.delete(wait)
        this.#tidy()
      }
    })
  }

  /** Lets the waits of a session look now: ours directly, those of another process through its wake file. */
  wake(session: string): void {
    if (!this.#wakeOurs(session)) this.#wakeOthers(session)
  }

  /** Ends all watches and the timer. */
  close(): void {
    this.#waits.clear()
    this.#tidy()
  }

  #wakeOthers(session: string): void {
    try {
      this.#files().wake(session)
    } catch {
      // The store was moved meanwhile: no waiter there depends on us.
    }
  }

  #wakeOurs(session: string): boolean {
    const ours = [...this.#waits].filter((wait) => wait.session === session)
    for (const wait of ours) wait.look('event')
    return ours.length > 0
  }

  #begin(wait: Wait): void {
    this.#waits.add(wait)
    if (wait.everyMs === lookMs.waiting) this.#watch(wait.session)
    this.#setTick(wait.everyMs)
    wait.look('event') // no event came for a change before the watch began
  }

  /** One watch for all waits of a session. If the system has no watch left, only the timer is used. */
  #watch(session: string): void {
    if (this.#watches.has(session)) return
    try {
      const watcher = this.#files().watchWakeFile(session, () => this.#wakeOurs(session))
      watcher.on('error', () => this.#unwatch(session))
      this.#watches.set(session, watcher)
    } catch {
      // No watch is left: the timer alone wakes this wait.
    }
  }

  #unwatch(session: string): void {
    this.#watches.get(session)?.close()
    this.#watches.delete(session)
  }

  #setTick(ms: number): void {
    if (ms >= this.#nextMs) return
    this.#cancelTick()
    this.#nextMs = ms
    this.#cancelTick = this.#clock.after(ms, () => this.#tick())
  }

  #tick(): void {
    this.#nextMs = Number.POSITIVE_INFINITY
    this.#ticks += 1
    const cause = this.#cause()
    for (const wait of [...this.#waits]) wait.look(cause)
    for (const { everyMs } of this.#waits) this.#setTick(everyMs)
  }

  #cause(): Cause {
    try {
      const version = this.#version()
      const changed = version !== this.#lastVersion
      this.#lastVersion = version
      if (this.#ticks % thoroughEvery === 0) return 'thorough'
      return changed ? 'event' : 'tick'
    } catch {
      return 'tick' // the database is locked; the next tick reads the version
    }
  }

  #tidy(): void {
    const waiting = new Set([...this.#waits].map(({ session }) => session))
    for (const session of [...this.#watches.keys()]) if (!waiting.has(session)) this.#unwatch(session)
    if (this.#waits.size > 0) return
    this.#cancelTick()
    this.#nextMs = Number.POSITIVE_INFINITY
  }
}

function foundBy<T>(look: Look<T>, cause: Cause): T | 'changed' | undefined {
  try {
    return look(cause)
  } catch {
    return 'changed' // the next request meets the error where it can be reported
  }
}

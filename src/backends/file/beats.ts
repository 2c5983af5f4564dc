// When waits look that no event has woken. Owns the timer of all waits that look equally often, and why they look. waits.ts
// has the events.
import type { Clock } from '../../base/clock.ts'

/**
 * Why to look: `began` at the beginning of a wait, `event` after a change of the database, `tick` if the time is over, `thorough` at the first tick after ten times
 * the shortest pause, in case that an event was lost.
 */
export type Cause = 'began' | 'event' | 'tick' | 'thorough'

/** The pauses between two looks, in ms. */
export interface Pace {
  readonly leastMs: number
  /** The pause grows with the wait, up to this: a tenth of the time for which all present waits have waited. */
  readonly mostMs: number
}

const thoroughAfter = 10
const growth = 10

/** One wait, as a timer or an event wakes it. */
export interface Wait {
  /** Whether an event wakes it. If not, it looks after every change of the database. */
  isWatched(): boolean
  /** Looks, and settles the wait if it is over. */
  look(cause: Cause, round: Round): void
}

/** Looks that are made at one moment. They share what they find out about a session or a store. */
export class Round {
  /** How many looks it has. */
  readonly size: number
  readonly #found = new Map<string, unknown>()

  constructor(size: number) {
    this.size = size
  }

  /** The result of `find`, which is called once in a round for a key. */
  once<T>(key: string, find: () => T): T {
    if (!this.#found.has(key)) this.#found.set(key, find())
    return this.#found.get(key) as T
  }
}

/** The waits that look equally often. Without waits there is no timer. */
export class Beat {
  readonly #clock: Clock
  readonly #pace: Pace
  readonly #version: () => bigint
  readonly #waits = new Set<Wait>()
  #lastVersion = -1n
  /** How long there was no new wait, and no thorough look, as far as ticks tell. */
  #settledMs = 0
  #hastyMs = 0
  #restMs = 0
  #cancel: (() => void) | undefined

  /** `version` reads a number that changes when another process has changed the database. */
  constructor(clock: Clock, pace: Pace, version: () => bigint) {
    this.#clock = clock
    this.#pace = pace
    this.#version = version
  }

  add(wait: Wait): void {
    this.#waits.add(wait)
    this.#settledMs = 0
    if (this.#restMs > this.#pace.leastMs) this.#forgetTick()
    this.#setTick()
  }

  delete(wait: Wait): void {
    this.#waits.delete(wait)
    if (this.#waits.size === 0) this.stop()
  }

  /** Forgets all waits. */
  stop(): void {
    this.#waits.clear()
    this.#forgetTick()
  }

  #forgetTick(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #setTick(): void {
    if (this.#cancel) return
    const { leastMs, mostMs } = this.#pace
    this.#restMs = Math.max(leastMs, Math.min(mostMs, this.#settledMs / growth))
    this.#cancel = this.#clock.after(this.#restMs, () => this.#tick())
  }

  #tick(): void {
    this.#cancel = undefined
    const waits = [...this.#waits]
    const isThorough = this.#isThorough()
    const hasUnwatched = waits.some((wait) => !wait.isWatched())
    if (hasUnwatched) this.#settledMs = 0 // such a wait learns of its turn by these looks alone
    const changed = hasUnwatched && this.#hasChanged()
    const round = new Round(waits.length)
    for (const wait of waits) {
      if (isThorough) wait.look('thorough', round)
      else wait.look(changed && !wait.isWatched() ? 'event' : 'tick', round)
    }
    if (this.#waits.size > 0) this.#setTick()
  }

  /** Counts the pause that is over, and says whether it is time for a thorough look. */
  #isThorough(): boolean {
    this.#settledMs += this.#restMs
    this.#hastyMs += this.#restMs
    const isTime = this.#hastyMs >= thoroughAfter * this.#pace.leastMs
    if (isTime) this.#hastyMs = 0
    return isTime
  }

  #hasChanged(): boolean {
    try {
      const version = this.#version()
      const changed = version !== this.#lastVersion
      this.#lastVersion = version
      return changed
    } catch {
      return false // the database is locked; the next tick reads the version
    }
  }
}

// Finds ticks that no host took. It looks in slices, so that the event loop turns in between, and before this host has the
// lock, so that no renewal has to wait.
import { type Clock, pause } from '../base/clock.ts'
import type { Scope } from '../base/scope.ts'
import type { Schedule } from './schedule.ts'

/** The most missed ticks that are reported or run late at once. These are the latest ones. */
export const missedMost = 1_000
/** The number of ticks that are looked for before the event loop turns: about 10 ms of work. */
const slice = 50

/** The ticks of a schedule after one time and before another. */
export interface Missed {
  readonly afterMs: number
  /** The latest ones, at most 1,000, in order. */
  readonly ticks: readonly number[]
  /** Whether there are older ones. */
  readonly more: boolean
}

/** Finds the missed ticks of a schedule, and remembers the last answer. */
export class MissedTicks {
  readonly #schedule: Schedule | undefined
  readonly #clock: Clock
  readonly #scope: Scope
  #last: (Missed & { readonly beforeMs: number }) | undefined

  constructor(schedule: Schedule | undefined, clock: Clock, scope: Scope) {
    this.#schedule = schedule
    this.#clock = clock
    this.#scope = scope
  }

  /**
   * The missed ticks between two times. Rejects with the reason of the scope. Costs nothing if the last question was
   * the same.
   */
  async between(afterMs: number, beforeMs: number): Promise<Missed> {
    if (this.#last?.afterMs !== afterMs || this.#last.beforeMs !== beforeMs) {
      this.#last = { ...(await this.#find(afterMs, beforeMs)), beforeMs }
    }
    return this.#last
  }

  async #find(afterMs: number, beforeMs: number): Promise<Missed> {
    const ticks: number[] = []
    for (const tick of this.#schedule?.between(afterMs, beforeMs) ?? []) {
      if (ticks.length === missedMost) return { afterMs, ticks: ticks.reverse(), more: true }
      if (ticks.push(tick) % slice === 0) await pause(this.#clock, 0, this.#scope.signal)
    }
    return { afterMs, ticks: ticks.reverse(), more: false }
  }
}

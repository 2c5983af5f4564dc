// The moments at which the holds of a session are verified. Owns the one timer of all of them, so that they ask at the same
// moment and a backend can put their questions into a few requests. watch.ts asks.
import { untilAborted } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'

/** Rounds of a session: each begins at most `everyMs` after the one before, and up to a tenth of that earlier. */
export class Rounds {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #waiting = new Set<() => void>()
  #cancel = (): void => {}

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock
    this.#everyMs = everyMs
  }

  /** Resolves at the next round. Rejects with `signal.reason`. While nobody waits, no timer is set. */
  next(signal: AbortSignal): Promise<void> {
    return untilAborted<void>(signal, ({ resolve }) => {
      if (this.#waiting.size === 0) this.#begin()
      this.#waiting.add(resolve)
      return () => {
        this.#waiting.delete(resolve)
        if (this.#waiting.size === 0) this.#cancel()
      }
    })
  }

  #begin(): void {
    this.#cancel = this.#clock.after(this.#everyMs * (1 - this.#clock.random() / 10), () => {
      for (const wake of [...this.#waiting]) wake()
    })
  }
}

// The places of a client's requests: how many may be under way at a time, and which is next. request.ts takes the places;
// sessions.ts has one gate for each client.
import type { Clock } from '../base/clock.ts'
import type { Ending } from '../base/scope.ts'

/**
 * Lets a number of requests through at a time. Others wait in two lines, which get the next place in turn. So ten thousand questions of
 * one moment do not keep a call waiting, and many calls do not keep the questions waiting.
 */
export class Gate {
  #free: number
  readonly #waiting = new Set<() => void>()
  readonly #aside = new Set<() => void>()
  #isTurnOfAside = false
  /** When the store last answered a request while no place was free, by the monotonic clock. */
  answeredMs: number = Number.NEGATIVE_INFINITY

  constructor(most: number) {
    this.#free = most
  }

  /**
   * Takes a place. Undefined if one is free; otherwise resolves when one is, and rejects with the reason of the scope if
   * that ends before. Each place that was taken must be given back by `leave`.
   */
  enter(scope: Ending, aside = false): Promise<void> | undefined {
    if (this.#free === 0) return turn(aside ? this.#aside : this.#waiting, scope)
    this.#free -= 1
    return undefined
  }

  /** Gives the place to the request that has waited longest in its line. */
  leave(): void {
    this.#isTurnOfAside = this.#waiting.size === 0 || (!this.#isTurnOfAside && this.#aside.size > 0)
    const [next] = this.#isTurnOfAside ? this.#aside : this.#waiting
    if (next) next()
    else this.#free += 1
  }

  /** Notes that the store has just answered a request, or refused it, if others may wait. Called before `leave`. */
  answered(clock: Clock): void {
    if (this.#free === 0) this.answeredMs = clock.mark().monotonicMs
  }
}

/** Waits in a line until its turn is passed on. */
function turn(line: Set<() => void>, scope: Ending): Promise<void> {
  return new Promise((resolve, reject) => {
    const pass = (): void => {
      line.delete(pass)
      forget()
      resolve()
    }
    line.add(pass)
    const forget = scope.onEnd((reason) => {
      line.delete(pass)
      reject(reason)
    })
  })
}

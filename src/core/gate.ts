// How many requests of one client are under way at a time. Owns the queue of the others, in order of arrival. request.ts
// passes through it; renewals and the end of a session do not.
import type { Ending } from '../base/scope.ts'

/** The parts that all sessions of a client share. */
export interface Shared {
  /** Ends when the client is closed. */
  readonly closing: Ending
  readonly gate: Gate | undefined
}

/** Lets a number of requests through at a time. */
export class Gate {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(most: number) {
    this.#free = most
  }

  /**
   * Takes a place. Undefined if one is free; otherwise resolves when one is, and rejects with the reason of the scope if
   * that ends before. Each place that was taken must be given back by `leave`.
   */
  enter(scope: Ending): Promise<void> | undefined {
    if (this.#free === 0) return this.#turn(scope)
    this.#free -= 1
    return undefined
  }

  /** Gives the place to the request that has waited longest. */
  leave(): void {
    const [next] = this.#waiting
    if (next) next()
    else this.#free += 1
  }

  #turn(scope: Ending): Promise<void> {
    return new Promise((resolve, reject) => {
      const pass = (): void => {
        this.#waiting.delete(pass)
        forget()
        resolve()
      }
      this.#waiting.add(pass)
      const forget = scope.onEnd((reason) => {
        this.#waiting.delete(pass)
        reject(reason)
      })
    })
  }
}

// The line inside one process: claims of one client for one name wait here first, so that the store sees one of
// them at a time (or as many as there are permits). Owns the order among callers of this client, nothing else.
import { Semaphore } from 'async-mutex'
import { type Limits, orAborted } from './limits.ts'

/** Lets the next caller of this client have its turn. Idempotent. */
export type Leave = () => void

interface Line {
  readonly turns: Semaphore
  callers: number
}

/** One fair line for each name and limit, kept only as long as somebody stands in it. */
export class Lines {
  readonly #lines = new Map<string, Line>()

  /**
   * Waits for the caller's turn. With `wait` false and no turn free, resolves with undefined at once.
   * Rejects with the reason when the limits end, and then leaves by itself.
   */
  async enter(name: string, limit: number, wait: boolean, limits: Limits): Promise<Leave | undefined> {
    const key = `${limit} ${name}`
    const line = this.#lines.get(key) ?? { turns: new Semaphore(limit), callers: 0 }
    const busy = line.turns.isLocked()
    if (busy && !wait) return undefined
    this.#lines.set(key, line)
    line.callers += 1
    const turn = line.turns.acquire()
    const leave = (): void => {
      turn.then(([, free]) => free())
      line.callers -= 1
      if (line.callers === 0) this.#lines.delete(key)
    }
    try {
      await (busy ? orAborted(turn, limits.signal) : turn)
      return onlyOnce(leave)
    } catch (error) {
      leave()
      throw error
    }
  }
}

function onlyOnce(run: () => void): () => void {
  let done = false
  return () => {
    if (!done) run()
    done = true
  }
}

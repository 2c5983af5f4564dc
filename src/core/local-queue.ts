// The line inside one process. Claims of one client for one name wait here first, so that the store sees one of them
// at a time (of a semaphore: as many as it has permits). Owns the order among callers of this client.
import type { Scope } from '../base/scope.ts'

/** Lets the next caller of this client have its turn. Idempotent. */
export type Leave = () => void

interface Line {
  inside: number
  /** In order; calling an entry gives it the turn. A Set, so that a caller that gives up leaves at once. */
  readonly waiting: Set<() => void>
}

/** One fair line for each name and number of permits, kept only while a caller stands in it. */
export class Lines {
  readonly #lines = new Map<string, Line>()

  /**
   * Waits for the caller's turn. With `wait` false and no turn free, resolves with undefined at once. When the scope
   * ends, leaves the line and rejects with the reason.
   */
  async enter(name: string, permits: number, wait: boolean, scope: Scope): Promise<Leave | undefined> {
    const key = `${permits} ${name}`
    const line = this.#lines.get(key) ?? { inside: 0, waiting: new Set() }
    this.#lines.set(key, line)
    if (line.inside < permits) line.inside += 1
    else if (wait) await turn(line, scope)
    else return undefined
    let left = false
    return () => {
      if (left) return
      left = true
      const [next] = line.waiting
      if (next) next()
      else line.inside -= 1
      if (line.inside === 0) this.#lines.delete(key)
    }
  }
}

/** Resolves when a caller that leaves passes the turn on. */
function turn(line: Line, scope: Scope): Promise<void> {
  return new Promise((resolve, reject) => {
    const pass = (): void => {
      line.waiting.delete(pass)
      giveUp()
      resolve()
    }
    line.waiting.add(pass)
    const giveUp = scope.onEnd((reason) => {
      line.waiting.delete(pass)
      reject(reason)
    })
  })
}

// The line inside one process: claims of one client for one name wait here first, so that the store sees one of
// them at a time (or as many as there are permits). Owns the order among callers of this client, nothing else.
import type { Scope } from '../base/scope.ts'

/** Lets the next caller of this client have its turn. Idempotent. */
export type Leave = () => void

interface Line {
  inside: number
  /** In order; each gets its turn by being called. A Set, so that one who gives up is out at once. */
  readonly waiting: Set<() => void>
}

/** One fair line for each name and limit, kept only as long as somebody stands in it. */
export class Lines {
  readonly #lines = new Map<string, Line>()

  /**
   * Waits for the caller's turn. With `wait` false and no turn free, resolves with undefined at once.
   * Rejects with the reason when the scope ends, and then has left.
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

/** Resolves when somebody who leaves passes the turn on. */
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

// The line inside one process. Claims of one client for one name wait here first, so that the store sees one of them
// at a time (of a semaphore: as many as it has permits). Owns the order among callers of this client.
import type { Scope } from '../base/scope.ts'

/** Gives the turn to the next caller of this client. Idempotent. */
export type Leave = () => void

/** Called with the number of calls of this client that stand ahead. */
type LocalWait = (ahead: number, isLocal: true) => void

interface Line {
  /** How many callers have their turn now. */
  inside: number
  /** In order of arrival. A Set, so that a waiter that gives up is removed at once. */
  readonly waiting: Set<Waiter>
}

interface Waiter {
  /** Gives the waiter its turn. */
  pass(): void
  /** Tells the waiter how many calls of this client stand ahead, if the number has changed. */
  tell(ahead: number): void
}

/** One fair line for each name and number of permits, kept only while a caller stands in it. */
export class Lines {
  readonly #lines = new Map<string, Line>()

  /**
   * Waits for the caller's turn. With `wait` false and no turn free, resolves with undefined at once. When the scope
   * ends, rejects with its reason, and the caller is out of the line. `onWait` is called with the number of callers of
   * this client that stand ahead, whenever that changes.
   */
  async enter(
    name: string,
    permits: number,
    wait: boolean,
    scope: Scope,
    onWait?: LocalWait,
  ): Promise<Leave | undefined> {
    const key = `${permits} ${name}`
    const line = this.#lines.get(key) ?? { inside: 0, waiting: new Set() }
    this.#lines.set(key, line)
    if (line.inside < permits) line.inside += 1
    else if (wait) await turn(line, scope, onWait)
    else return undefined
    let left = false
    return () => {
      if (left) return
      left = true
      const [next] = line.waiting
      if (next) next.pass()
      else line.inside -= 1
      if (line.inside === 0) this.#lines.delete(key)
    }
  }
}

/** Resolves when a caller that leaves passes the turn on. */
function turn(line: Line, scope: Scope, onWait: LocalWait | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let told = 0
    const waiter: Waiter = {
      pass() {
        line.waiting.delete(waiter)
        giveUp()
        tellAll(line)
        resolve()
      },
      tell(ahead) {
        if (ahead !== told) onWait?.(ahead, true)
        told = ahead
      },
    }
    line.waiting.add(waiter)
    const giveUp = scope.onEnd((reason) => {
      line.waiting.delete(waiter)
      reject(reason)
      tellAll(line)
    })
    tellAll(line)
  })
}

function tellAll({ inside, waiting }: Line): void {
  let ahead = inside
  for (const waiter of waiting) {
    waiter.tell(ahead)
    ahead += 1
  }
}

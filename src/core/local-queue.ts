// The line inside one process. Claims of one client for one name wait here first, so that the store sees only those of
// them that fit into the permits. The rule is that of the store. Owns the order among callers of this client.
import type { Scope } from '../base/scope.ts'
import type { Claim } from '../contract.ts'

/** Gives the permits of a turn to the next callers of this client, all or all but some. Idempotent. */
export type Leave = (kept?: number) => void

/** Called with the number of calls of this client that stand ahead. */
type LocalWait = (ahead: number, isLocal: true) => void

interface Line {
  readonly permits: number
  /** How many callers have their turn now, and how many permits they take. */
  inside: number
  taken: number
  /** In order of arrival. A Set, so that a waiter that gives up is removed at once. */
  readonly waiting: Set<Waiter>
}

interface Waiter {
  readonly weight: number
  /** Gives the waiter its turn. */
  pass(): void
  /** Tells the waiter how many calls of this client stand ahead, if the number has changed. */
  tell(ahead: number): void
}

/** One fair line for each name and number of permits, kept only while a caller stands in it. */
export class Lines {
  readonly #lines = new Map<string, Line>()

  /**
   * The caller's turn, if it is free. Otherwise undefined or, with `wait`, a promise of it. When the scope ends, that
   * rejects with its reason, and the caller is out of the line. `onWait` is called with the number of callers of this
   * client that stand ahead, whenever that changes.
   */
  enter(
    { name, permits, weight }: Pick<Claim, 'name' | 'permits' | 'weight'>,
    wait: boolean,
    scope: Scope,
    onWait?: LocalWait,
  ): Leave | undefined | Promise<Leave> {
    const key = `${permits} ${name}`
    const line = this.#lines.get(key) ?? { permits, inside: 0, taken: 0, waiting: new Set() }
    let left = weight
    const leave: Leave = (kept = 0) => {
      if (left <= kept) return
      line.taken -= left - kept
      left = kept
      if (left === 0) line.inside -= 1
      passTurns(line)
      if (line.inside === 0) this.#lines.delete(key)
    }
    this.#lines.set(key, line)
    if (line.waiting.size === 0 && line.taken + weight <= permits) enter(line, weight)
    else return wait ? turn(line, weight, scope, onWait).then(() => leave) : undefined
    return leave
  }
}

function enter(line: Line, weight: number): void {
  line.inside += 1
  line.taken += weight
}

/** Gives their turns to the first waiters, as many as fit. */
function passTurns(line: Line): void {
  for (const next of line.waiting) {
    if (line.taken + next.weight > line.permits) return
    enter(line, next.weight)
    next.pass()
  }
}

/** Takes a waiter out of the line. A lighter one behind it may fit. */
function drop(line: Line, waiter: Waiter): void {
  line.waiting.delete(waiter)
  passTurns(line)
  tellAll(line)
}

/** Resolves when callers that leave pass the turn on. */
function turn(line: Line, weight: number, scope: Scope, onWait: LocalWait | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let told = 0
    const waiter: Waiter = {
      weight,
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
      reject(reason)
      drop(line, waiter)
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

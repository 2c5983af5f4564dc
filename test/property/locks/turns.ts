// The order of turns in runs without faults. Owns two invariants: no claim overtakes one that stood in line well
// before it, and no lock stays free while a claim waits for it.
import type { World } from '../../../src/testing/world.ts'
import type { Invariant } from '../invariants.ts'

/** One call to acquire, from its beginning until its hold is released or it has failed. */
export interface Turn {
  readonly process: string
  readonly name: string
  readonly waits: boolean
  readonly calledMs: number
  /** Since when it is in the store's line, as far as that is known: each process has one claim per permit there. */
  standsSinceMs: number
  holds: boolean
}

/** More than any answer, event and timer takes in a healthy run. */
const promptMs = 400

/** All turns of one run. */
export class Turns {
  readonly #world: World
  readonly #permits: number
  readonly #complain: (invariant: Invariant, what: string) => void
  readonly #turns = new Set<Turn>()

  constructor(world: World, permits: number, complain: (invariant: Invariant, what: string) => void) {
    this.#world = world
    this.#permits = permits
    this.#complain = complain
  }

  begin(process: string, name: string, waits: boolean): Turn {
    const calledMs = this.#world.nowMs
    const turn = { process, name, waits, calledMs, standsSinceMs: Number.POSITIVE_INFINITY, holds: false }
    this.#turns.add(turn)
    this.#advance(turn)
    return turn
  }

  /** It got its hold: every claim that was in line before must hold by now, or soon. */
  granted(turn: Turn): void {
    turn.holds = true
    if (turn.standsSinceMs > this.#world.nowMs) return // by a client that follows a closed one, so the time is not known
    const before = turn.standsSinceMs - promptMs
    const overtaken = this.#waiting(turn.name).filter(({ standsSinceMs }) => standsSinceMs < before)
    this.#world.after(promptMs, () => {
      const still = overtaken.find((one) => this.#turns.has(one) && !one.holds)
      if (still)
        this.#complain('no-overtaking', `${still.process} was overtaken on ${still.name} by ${turn.process}`)
    })
  }

  end(turn: Turn): void {
    this.#turns.delete(turn)
    this.#advance(turn)
  }

  /**
   * A claim joined or left: the next one of its process joins the line, and the first in line must not wait much
   * longer.
   */
  #advance({ process, name }: Turn): void {
    const local = this.#of(name).filter((turn) => turn.process === process)
    for (const turn of local.slice(0, this.#permits)) {
      turn.standsSinceMs = Math.min(turn.standsSinceMs, this.#world.nowMs)
    }
    const [before, waiting] = [this.#holding(name), this.#waiting(name)]
    if (before.length >= this.#permits) return
    this.#world.after(promptMs, () => {
      const none = this.#holding(name).every((turn) => before.includes(turn))
      const idle = waiting.every((turn) => this.#turns.has(turn) && !turn.holds) && waiting[0]
      if (none && idle) this.#complain('no-idle-lock', `${name} is free and ${idle.process} waits for it`)
    })
  }

  #of(name: string): Turn[] {
    return [...this.#turns].filter((turn) => turn.name === name)
  }

  #holding(name: string): Turn[] {
    return this.#of(name).filter(({ holds }) => holds)
  }

  #waiting(name: string): Turn[] {
    return this.#of(name).filter((turn) => {
      return turn.waits && !turn.holds && turn.standsSinceMs <= this.#world.nowMs
    })
  }
}

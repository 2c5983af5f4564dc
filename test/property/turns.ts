// Whose turn it is, in runs in which nothing goes wrong. Owns two things that must be true then: nobody overtakes one who
// stood in line well before, and no lock stays free while somebody waits for it.
import type { World } from '../../src/testing/world.ts'
import type { Truth } from './checker.ts'

/** One call to acquire, from its beginning until its hold is released or it has failed. */
export interface Turn {
  readonly process: string
  readonly name: string
  readonly waits: boolean
  /** Since when it stands in the store's line, as far as can be told: one per permit and process does. */
  standsSinceMs: number
  holds: boolean
}

/** More than any answer, event and timer takes in a healthy run. */
const promptMs = 400

/** All turns of one run. */
export class Turns {
  readonly #world: World
  readonly #truth: Truth
  readonly #permits: number
  readonly #complain: (what: string) => void
  readonly #turns = new Set<Turn>()
  /** The names that are free now, and a number for since when. */
  readonly #freeSince = new Map<string, number>()

  constructor(world: World, truth: Truth, permits: number, complain: (what: string) => void) {
    this.#world = world
    this.#truth = truth
    this.#permits = permits
    this.#complain = complain
  }

  begin(process: string, name: string, waits: boolean): Turn {
    const turn = { process, name, waits, standsSinceMs: Number.POSITIVE_INFINITY, holds: false }
    this.#turns.add(turn)
    this.#advance(process, name)
    return turn
  }

  /** It was given its hold: whoever stood there before must have one by now, or soon. */
  granted(turn: Turn): void {
    turn.holds = true
    const overtaken = this.#waiting(turn.name).filter(
      ({ standsSinceMs }) => standsSinceMs + promptMs < turn.standsSinceMs,
    )
    this.#world.after(promptMs, () => {
      for (const one of overtaken) {
        if (this.#turns.has(one) && !one.holds)
          this.#complain(`${one.process} was overtaken on ${one.name} by ${turn.process}`)
      }
    })
  }

  end(turn: Turn): void {
    this.#turns.delete(turn)
    this.#advance(turn.process, turn.name)
  }

  /** The store has changed. */
  look(names: readonly string[]): void {
    for (const name of names) {
      const free = this.#truth.owners(name).length < this.#permits
      if (!free) this.#freeSince.delete(name)
      else if (!this.#freeSince.has(name)) this.#free(name)
    }
  }

  /** The name has just become free: whoever waits now must not wait much longer. */
  #free(name: string): void {
    const sinceMs = this.#world.nowMs
    this.#freeSince.set(name, sinceMs)
    const waiting = this.#waiting(name)
    this.#world.after(promptMs, () => {
      const still = this.#freeSince.get(name) === sinceMs
      const idle = waiting.find((turn) => still && this.#turns.has(turn) && !turn.holds)
      if (idle) this.#complain(`${name} is free and ${idle.process} waits for it`)
    })
  }

  #waiting(name: string): Turn[] {
    return [...this.#turns].filter(
      (turn) => turn.name === name && turn.waits && !turn.holds && turn.standsSinceMs <= this.#world.nowMs,
    )
  }

  /** A process has only so many claims in the store's line; its others wait in a line of its own. */
  #advance(process: string, name: string): void {
    const local = [...this.#turns].filter((turn) => turn.process === process && turn.name === name)
    for (const turn of local.slice(0, this.#permits)) {
      turn.standsSinceMs = Math.min(turn.standsSinceMs, this.#world.nowMs)
    }
  }
}

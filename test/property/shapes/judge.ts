// The invariants of locks of every form, by what programs believe: the weights of the believers fit into the permits, a
// writer has the largest token, and nobody overtakes a claim that waits. Knows nothing of the inside of a store.
import type { World } from '../../../src/testing/world.ts'
import type { Invariant, Violation } from '../invariants.ts'

/** One call for a lock, from its beginning to its end. */
export interface Call {
  readonly process: string
  readonly name: string
  readonly permits: number
  readonly calledMs: number
  /** Whether no other call of its process was for the name when it began: then it went to the store at once. */
  readonly alone: boolean
  /** How many permits it has, or waits for. */
  weight: number
  /** Whether its program believes now that it holds. Undefined while it waits. */
  believes?: () => boolean
}

/** More than the way to the store takes without faults. */
const promptMs = 400

/** Judges one run. */
export class Judge {
  readonly violations: Violation[] = []
  readonly #world: World
  readonly #healthy: boolean
  readonly #calls = new Set<Call>()
  readonly #largest = new Map<string, bigint>()

  constructor(world: World, healthy: boolean) {
    this.#world = world
    this.#healthy = healthy
  }

  begin(process: string, name: string, permits: number, weight: number): Call {
    const alone = ![...this.#calls].some((each) => each.process === process && each.name === name)
    const call: Call = { process, name, permits, weight, alone, calledMs: this.#world.nowMs }
    this.#calls.add(call)
    return call
  }

  /** The program has a hold with this token. */
  granted(call: Call, token: bigint, believes: () => boolean): void {
    call.believes = believes
    const { name, permits, weight } = call
    this.#world.mark(weight === 1 ? 'one permit' : weight === permits ? 'all permits' : 'some permits')
    const largest = this.#largest.get(name) ?? 0n
    if (weight === permits && token <= largest)
      this.complain('growing-tokens', `${call.process} has all of ${name} with ${token}, after ${largest}`)
    this.#largest.set(name, token > largest ? token : largest)
    this.#overtaken(call)
    this.look()
  }

  end(call: Call): void {
    this.#calls.delete(call)
  }

  /** The claims of a process ended with it. */
  died(process: string): void {
    for (const call of [...this.#calls]) if (call.process === process) this.#calls.delete(call)
  }

  /** The store has changed, or a program acts. */
  look(): void {
    const believers = [...this.#calls].filter((call) => call.believes?.())
    for (const { name, permits } of believers) {
      const taken = believers.filter((each) => each.name === name)
      const sum = taken.reduce((all, { weight }) => all + weight, 0)
      const told = taken.map(({ process, weight }) => `${process} ${weight}`).join(', ')
      if (sum > permits) this.complain('permits-kept', `${sum} of ${permits} of ${name}: ${told}`)
    }
  }

  complain(invariant: Invariant, what: string): void {
    this.violations.push({ invariant, what: `${this.#world.nowMs} ms: ${what}` })
  }

  #overtaken({ name, calledMs, process }: Call): void {
    if (!this.#healthy) return
    const waiting = [...this.#calls].find(
      (each) => each.name === name && each.alone && !each.believes && each.calledMs + promptMs < calledMs,
    )
    // Its answer may be on its way.
    this.#world.after(promptMs, () => {
      if (waiting && this.#calls.has(waiting) && !waiting.believes)
        this.complain('no-overtaking', `${waiting.process} was overtaken on ${name} by ${process}`)
    })
  }
}

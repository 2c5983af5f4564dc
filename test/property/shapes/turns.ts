// The order of claims of every weight in runs without faults. Owns two invariants: no claim overtakes one that stood in
// line well before it, and no permits stay free that the first in line could have.
import type { World } from '../../../src/testing/world.ts'
import type { Invariant } from '../invariants.ts'
import type { Call } from './judge.ts'

/** More than any answer, event and timer takes in a healthy run. */
const promptMs = 400

/** Judges the order of the calls of one run. */
export class Turns {
  readonly #world: World
  readonly #calls: ReadonlySet<Call>
  readonly #complain: (invariant: Invariant, what: string) => void
  /** How often anything about a name has changed. */
  readonly #changes = new Map<string, number>()

  constructor(
    world: World,
    calls: ReadonlySet<Call>,
    complain: (invariant: Invariant, what: string) => void,
  ) {
    this.#world = world
    this.#calls = calls
    this.#complain = complain
  }

  /**
   * A call got its hold: every call that stood in line well before it must have its own by now, or soon. A hold that was handed over
   * may overtake, within bounds that judge.ts checks.
   */
  granted(call: Call, isHandedOver: boolean): void {
    const { name, calledMs, process } = call
    this.changed(name)
    if (isHandedOver) return
    const overtaken = [...this.#calls].filter(
      (each) => each.name === name && each.alone && !each.believes && each.calledMs + promptMs < calledMs,
    )
    this.#world.after(promptMs, () => {
      const still = overtaken.find((each) => this.#calls.has(each) && !each.believes)
      if (still) this.#complain('no-overtaking', `${still.process} was overtaken on ${name} by ${process}`)
    })
  }

  /** A call for this name began, was served, gave permits back, or ended: if permits are free, somebody gets them soon. */
  changed(name: string): void {
    const changes = (this.#changes.get(name) ?? 0) + 1
    this.#changes.set(name, changes)
    this.#world.after(promptMs, () => {
      if (this.#changes.get(name) === changes) this.#mustBeBusy(name)
    })
  }

  #mustBeBusy(name: string): void {
    const calls = [...this.#calls].filter((call) => call.name === name)
    if (calls.some(({ isPart }) => isPart)) return
    const taken = calls.reduce((sum, { weight, believes }) => sum + (believes ? weight : 0), 0)
    const firsts = mayBeFirst(calls.filter(({ believes }) => !believes))
    if (firsts.length > 0 && firsts.every(({ weight, permits }) => taken + weight <= permits)) {
      const who = firsts.map(({ process, weight }) => `${process} ${weight}`).join(', ')
      this.#complain(
        'no-idle-lock',
        `of ${name} only ${taken} are taken, and the first in line waits: ${who}`,
      )
    }
  }
}

/** The waiting calls of which one is the first in the store's line. A call that is not alone may have joined it late. */
function mayBeFirst(waiting: readonly Call[]): Call[] {
  const earliestMs = Math.min(...waiting.filter(({ alone }) => alone).map(({ calledMs }) => calledMs))
  return waiting.filter(({ alone, calledMs }) => !alone || calledMs <= earliestMs + promptMs)
}

// Whether the steps that programs saw of one lock fit a history in which one held at a time. This cross-check knows
// nothing of stores. Owns the search of Wing and Gong with Lowe's memory (https://doi.org/10.1002/cpe.3928), and a
// model of a lock whose holders can also expire unseen.

/** One action or observation of a program, from its call to its return. */
export interface Step {
  readonly kind: 'acquire' | 'release' | 'held' | 'expire'
  /** The hold that it is about. */
  readonly hold: number
  /** Of an acquire. */
  readonly token?: bigint
  readonly fromMs: number
  /** Infinity if it may have happened at any time since, or never. */
  readonly untilMs: number
  /** Whether it may never have happened. */
  readonly optional: boolean
}

interface Lock {
  readonly holder: number | undefined
  readonly token: bigint
}

/** Whether there is an order of all steps that a lock allows, each within its time. */
export function isLinearizable(steps: readonly Step[]): boolean {
  const sorted = [...steps].sort((one, other) => one.fromMs - other.fromMs)
  return new Search(sorted).goOn(0n, { holder: undefined, token: 0n })
}

class Search {
  readonly #steps: readonly Step[]
  readonly #all: bigint
  readonly #seen = new Set<string>()

  constructor(steps: readonly Step[]) {
    this.#steps = steps
    this.#all = steps.reduce((set, step, at) => (step.optional ? set : set | (1n << BigInt(at))), 0n)
  }

  goOn(done: bigint, lock: Lock): boolean {
    if ((done & this.#all) === this.#all) return true
    const state = `${done} ${lock.holder}`
    if (this.#seen.has(state)) return false
    this.#seen.add(state)
    if (this.#isTooLate(done, lock)) return false
    return this.#next(done).some((at) => {
      const after = apply(this.#steps[at] as Step, lock)
      return after !== undefined && this.goOn(done | (1n << BigInt(at)), after)
    })
  }

  /**
   * Whether a required token that is still to come is not larger than the last one: then no order from here can be
   * right.
   */
  #isTooLate(done: bigint, lock: Lock): boolean {
    return this.#steps.some(({ kind, token = 0n, optional }, at) => {
      return kind === 'acquire' && !optional && token <= lock.token && ((done >> BigInt(at)) & 1n) === 0n
    })
  }

  /** The possible next steps: they began before every open required step had to end. */
  #next(done: bigint): number[] {
    const isDone = (at: number): boolean => ((done >> BigInt(at)) & 1n) === 1n
    const left = [...this.#steps.keys()].filter((at) => !isDone(at))
    const step = (at: number): Step => this.#steps[at] as Step
    const dueMs = Math.min(...left.filter((at) => !step(at).optional).map((at) => step(at).untilMs))
    const nowMs = Math.max(0, ...[...this.#steps.keys()].filter(isDone).map((at) => step(at).fromMs))
    return left.filter((at) => step(at).fromMs <= dueMs && step(at).untilMs >= nowMs)
  }
}

/** The lock after a step. Undefined if the lock does not allow it. */
function apply({ kind, hold, token = 0n }: Step, lock: Lock): Lock | undefined {
  if (kind === 'acquire') {
    return lock.holder === undefined && token > lock.token ? { holder: hold, token } : undefined
  }
  if (lock.holder !== hold) return undefined
  return kind === 'held' ? lock : { holder: undefined, token: lock.token }
}

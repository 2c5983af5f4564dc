// What an operator took away in the store, when, and from which process. Owns the one excuse for a hold that was broken,
// wherever holds are compared: in locks, elections and cron jobs.
import { SimProcess } from '../../src/testing/process.ts'
import type { World } from '../../src/testing/world.ts'
import type { SimStore } from './stores.ts'

/** What an operator takes: a name from its holders, all that a process holds, or one name from one process. */
export interface Victim {
  readonly process?: string | undefined
  readonly name?: string | undefined
}

/** A hold as a program has it. */
export interface Given {
  readonly process: string
  readonly name: string
  readonly token: bigint
  /** When the program was given it. */
  readonly givenMs: number
}

/** One claim that held, and was removed. */
interface Break {
  readonly process: string
  readonly name: string
  readonly atMs: number
  /** The store's revision then: all claims that hold have a token that is not larger. */
  readonly revision: bigint
}

const never = Number.NEGATIVE_INFINITY

/** All breaks of one run. */
export class Breaks {
  readonly #world: World
  readonly #store: SimStore
  readonly #names: readonly string[]
  readonly #permits: number
  readonly #breaks: Break[] = []
  #slowUntilMs = never
  readonly #told: (victim: Victim) => void

  /** `told` hears of all that an operator is about to take away, also of what does not hold. */
  constructor(
    world: World,
    store: SimStore,
    names: readonly string[],
    { permits = 1, told = () => {} }: { permits?: number; told?: (victim: Victim) => void } = {},
  ) {
    this.#world = world
    this.#store = store
    this.#names = names
    this.#permits = permits
    this.#told = told
  }

  /** The network is slow for so long. Then the product believes the third answer, as long as one request may take. */
  slow(forMs: number): void {
    this.#slowUntilMs = Math.max(this.#slowUntilMs, this.#world.nowMs + forMs + this.#store.requestMs)
  }

  /** An operator is about to take this away. It concerns the processes that hold it now, in the store. */
  note(victim: Victim): void {
    this.#world.mark('operator')
    for (const name of this.#names) {
      if (name !== (victim.name ?? name)) continue
      for (const process of this.#store.owners(name, this.#permits))
        if (process === (victim.process ?? process)) this.#add(process, name)
    }
    this.#told(victim)
  }

  /** Ends a session or deletes a key, as an operator may with the store's own commands. */
  operate(what: 'end session' | 'delete key'): void {
    this.#store.operate(what, (victim) => this.note(victim))
  }

  /** Breaks a lock as `leasehold break` does: by requests of the product, from a process of its own. */
  evict(): void {
    this.#evict().catch((error) => this.#world.note(`no break: ${error}`))
  }

  async #evict(): Promise<void> {
    const { signal } = new AbortController()
    const operator = new SimProcess(this.#world, 'operator')
    const backend = await this.#store.source(operator).open(operator)
    const [found] = await backend.survey('n', signal)
    const holder = found?.claims.find(({ held }) => held)
    if (found && holder) {
      const { name } = found
      const process = this.#store.processOf(holder.session)
      this.note({ process, name })
      // Until it is applied the claim may be confirmed, at a later revision.
      if (await backend.evict(name, holder.token, signal)) this.#add(process, name)
    }
    await backend.close()
  }

  /**
   * When this hold was broken; -Infinity if it was not. A break counts from its hand-over on. It also counts if it came
   * after the store had admitted or confirmed the claim, while that answer was on its way: no longer before the hand-over
   * than the product believes an answer.
   */
  brokenAtMs({ process, name, token, givenMs }: Given): number {
    const { believedMs, requestMs } = this.#store
    const sinceMs = givenMs - (givenMs < this.#slowUntilMs ? requestMs : believedMs)
    const broken = this.#breaks.findLast((one) => {
      return one.process === process && one.name === name && one.revision >= token && one.atMs >= sinceMs
    })
    return broken?.atMs ?? never
  }

  /** Whether it was broken before its program was given it. Then others may have held since. */
  isBrokenOnItsWay(given: Given): boolean {
    return this.brokenAtMs(given) > never && this.brokenAtMs(given) <= given.givenMs
  }

  /** Whether its program may still believe in it, though it was broken: no deadline can know of that. */
  isMistaken(given: Given): boolean {
    return this.#world.nowMs - this.brokenAtMs(given) < 1.5 * this.#store.ttlMs
  }

  #add(process: string, name: string): void {
    const [atMs, revision] = [this.#world.nowMs, this.#store.revision()]
    this.#breaks.push({ process, name, atMs, revision })
    this.#world.note(`operator breaks ${name} of ${process}`)
  }
}

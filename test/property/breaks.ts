// The claims that an operator removed from the store, with time and process. Owns the one excuse for a broken hold,
// for all comparisons of holds: in locks, elections and cron jobs.
import { SimProcess } from '../../src/testing/process.ts'
import type { World } from '../../src/testing/world.ts'
import type { SimStore } from './stores.ts'

/** The target of an operator: a name of all its holders, all holds of a process, or one name of one process. */
export interface Victim {
  readonly process?: string | undefined
  readonly name?: string | undefined
}

/** A hold as a program got it. */
export interface Given {
  readonly process: string
  readonly name: string
  readonly token: bigint
  /** When the program got it. */
  readonly givenMs: number
}

/** One claim that held, and was removed. */
interface Break {
  readonly process: string
  readonly name: string
  atMs: number
  /** The store's revision then: no claim that holds has a larger token. */
  revision: bigint
}

const never = Number.NEGATIVE_INFINITY
/** Larger than every revision of a run. */
const anyRevision = 2n ** 62n

/** All breaks of one run. */
export class Breaks {
  readonly #world: World
  readonly #store: SimStore
  readonly #names: readonly string[]
  readonly #permits: number
  readonly #breaks: Break[] = []
  #slowUntilMs = never
  readonly #told: (victim: Victim) => void

  /** `told` is called with everything that an operator is about to remove, even if it does not hold. */
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

  /**
   * Makes the network slow for this time. Then the product believes the third answer, as old as one request may take.
   */
  slow(forMs: number): void {
    this.#slowUntilMs = Math.max(this.#slowUntilMs, this.#world.nowMs + forMs + this.#store.requestMs)
  }

  /** An operator is about to remove this. It concerns the processes that hold it now, in the store. */
  note(victim: Victim): void {
    this.#world.mark('operator')
    for (const name of this.#names) {
      if (name !== (victim.name ?? name)) continue
      for (const process of this.#store.owners(name, this.#permits))
        if (process === (victim.process ?? process)) this.#add(process, name)
    }
    this.#told(victim)
  }

  /** Ends a session or deletes a key, as an operator can with the store's own commands. */
  operate(what: 'end session' | 'delete key'): void {
    this.#store.operate(what, (victim) => this.note(victim))
  }

  /** Breaks a lock as `leasehold break` does: by requests of the product, from a separate process. */
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
      await this.#underWay({ process, name }, backend.break(name, holder.token, signal))
    }
    await backend.close()
  }

  /**
   * A break may be applied at any moment until it is answered. By then the claim may be confirmed at a later revision.
   */
  async #underWay(victim: Pick<Break, 'process' | 'name'>, breaking: Promise<boolean>): Promise<void> {
    const pending: Break = { ...victim, atMs: Infinity, revision: anyRevision }
    this.#breaks.push(pending)
    const applied = await breaking.catch(() => true) // without an answer, it may have been applied
    pending.atMs = applied ? this.#world.nowMs : never
    pending.revision = this.#store.revision()
  }

  /**
   * When this hold was broken; -Infinity if it was not. A break counts from the hand-over on. It also counts if it
   * came after the store had admitted or confirmed the claim, while that answer was on its way; but it must not be
   * older than an answer that the product believes.
   */
  brokenAtMs({ process, name, token, givenMs }: Given): number {
    const { believedMs, requestMs } = this.#store
    const sinceMs = givenMs - (givenMs < this.#slowUntilMs ? requestMs : believedMs)
    const broken = this.#breaks.findLast((one) => {
      return one.process === process && one.name === name && one.revision >= token && one.atMs >= sinceMs
    })
    return broken?.atMs ?? never
  }

  /** Whether it was broken before its program got it. Then others may have held since. */
  isBrokenOnItsWay(given: Given): boolean {
    return this.brokenAtMs(given) > never && this.brokenAtMs(given) <= given.givenMs
  }

  /** Whether its program may still believe in it although it was broken: no deadline can know of that. */
  isMistaken(given: Given): boolean {
    return this.#world.nowMs - this.brokenAtMs(given) < 1.5 * this.#store.ttlMs
  }

  #add(process: string, name: string): void {
    const [atMs, revision] = [this.#world.nowMs, this.#store.revision()]
    this.#breaks.push({ process, name, atMs, revision })
    this.#world.note(`operator breaks ${name} of ${process}`)
  }
}

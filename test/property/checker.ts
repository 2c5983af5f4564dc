// What must be true of a run, whatever happens in it. Owns the judgement, from what the store did and from what programs
// could read; knows nothing of how a store or a client works.
import type { Hold } from '../../src/hold.ts'
import type { SimProcess } from '../../src/testing/process.ts'
import type { World } from '../../src/testing/world.ts'

/** Who may believe to hold a name, as the store knows it. */
export interface Truth {
  /** The processes whose claims hold this name now. */
  owners(name: string): readonly string[]
}

type Victim = (process: SimProcess, name: string) => boolean

/** A hold that some program was given. */
interface Grant {
  readonly hold: Hold
  readonly process: SimProcess
  told: number
  released: boolean
  /** Somebody took the lock away in the store: no deadline can know that, so it may be believed in for a while. */
  robbed: boolean
}

/** Watches all holds of one run. */
export class Checker {
  readonly #world: World
  readonly #truth: Truth
  readonly #permits: number
  readonly #grants = new Map<string, Grant[]>()
  readonly violations: string[] = []
  readonly #robberies: { readonly atMs: number; readonly isVictim: Victim }[] = []

  constructor(world: World, truth: Truth, permits: number) {
    this.#world = world
    this.#truth = truth
    this.#permits = permits
  }

  /** A program was given a hold, this very moment. */
  granted(process: SimProcess, hold: Hold): Grant {
    const grants = this.#grants.get(hold.name) ?? []
    this.#grants.set(hold.name, grants)
    this.#world.note(`${process.name} holds ${hold.name} with token ${hold.token}`)
    if (!hold.held) this.#violated(`${process.name} was given a hold of ${hold.name} that it does not hold`)
    const larger = grants.find((grant) => grant.hold.token >= hold.token)
    if (larger && (this.#permits === 1 || larger.hold.token === hold.token)) {
      this.#violated(`token ${hold.token} of ${hold.name} came after ${larger.hold.token}`)
    }
    const grant: Grant = {
      hold,
      process,
      told: 0,
      released: false,
      robbed: this.#isLateForRobbery(process, hold.name),
    }
    hold.signal.addEventListener('abort', () => this.#lost(grant))
    grants.push(grant)
    this.look()
    return grant
  }

  /** An operator took this lock, or this process's session, away in the store. */
  robbed(isVictim: Victim): void {
    this.#world.mark('operator')
    this.#robberies.push({ atMs: this.#world.nowMs, isVictim })
    for (const [name, grants] of this.#grants) {
      for (const grant of grants) if (isVictim(grant.process, name)) grant.robbed = true
    }
  }

  /** The store has changed, or a program acts: nobody may believe what is not true. */
  look(): void {
    for (const [name, grants] of this.#grants) {
      const believers = grants.filter(
        ({ process, hold, released, robbed }) => process.running && !released && !robbed && hold.held,
      )
      const owners = this.#truth.owners(name)
      for (const { process, hold } of believers) {
        if (owners.includes(process.name)) continue
        this.#violated(
          `${process.name} believes to hold ${name} (${hold.token}); owners: [${owners.join(', ')}]`,
        )
      }
      if (believers.length > this.#permits) {
        this.#violated(
          `${believers.length} believe to hold ${name}: ${believers.map((b) => b.process.name).join(', ')}`,
        )
      }
    }
  }

  /** Whether the answer that gave this hold was on its way when the lock was taken away. */
  #isLateForRobbery(process: SimProcess, name: string): boolean {
    return this.#robberies.some(
      ({ atMs, isVictim }) => this.#world.nowMs - atMs < 5_000 && isVictim(process, name),
    )
  }

  #lost(grant: Grant): void {
    grant.told += 1
    this.#world.mark('hold lost')
    this.#world.note(`${grant.process.name} lost ${grant.hold.name}`)
    if (grant.released) this.#violated(`${grant.process.name} was told of a loss after its release`)
    if (grant.told > 1) this.#violated(`${grant.process.name} was told twice of one loss`)
    if (grant.hold.held) this.#violated(`${grant.process.name} was told of a loss and still reads held`)
  }

  #violated(what: string): void {
    this.violations.push(`${this.#world.nowMs} ms: ${what}`)
    this.#world.note(`VIOLATION ${what}`)
  }
}

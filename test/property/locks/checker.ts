// The invariants of holds, with all faults. Owns the judgement of holds, from the changes of the store and from the
// values that programs could read. Knows nothing of the inside of a store or client.

import type { Hold } from '../../../src/api/hold.ts'
import type { Leasehold } from '../../../src/api/leasehold.ts'
import type { SimProcess } from '../../../src/testing/process.ts'
import type { World } from '../../../src/testing/world.ts'
import type { Breaks, Given } from '../breaks.ts'
import type { Invariant, Violation } from '../invariants.ts'
import { type Seen, stepsOf, tellSeen } from './diary.ts'
import { isLinearizable } from './history.ts'

/** The true holders of a name, by the store. */
export interface Truth {
  /** The processes whose claims hold this name now. */
  owners(name: string): readonly string[]
}

/** The expectations of a run. */
export interface Expected {
  readonly permits: number
  /** The least time to the deadline of a hold that begins. */
  readonly leastMs: number
  /** Whether there are no faults: then no hold may be lost. */
  readonly healthy: boolean
  /** The claims that an operator removed. */
  readonly breaks: Breaks
}

/** A hold that a program got. */
export interface Grant {
  readonly hold: Hold
  readonly process: SimProcess
  readonly client: Leasehold
  /** Whether the program learns of a loss only by the signal. Then the checker must not compute it by asking. */
  readonly listens: boolean
  /** When `acquire` was called, and when it returned the hold. */
  readonly calledMs: number
  readonly givenMs: number
  /** When the program last believed to hold. */
  believedMs: number | undefined
  told: number
  released: boolean
}

const never = Number.NEGATIVE_INFINITY
/** How late a timer may be. */
const lateMs = 100

/** Watches all holds of one run. */
export class Checker {
  readonly #world: World
  readonly #truth: Truth
  readonly #expected: Expected
  readonly #grants = new Map<string, Grant[]>()
  readonly violations: Violation[] = []
  readonly #stoppedUntilMs = new Map<string, number>()
  readonly #coveredUntilMs = new Map<string, number>()

  constructor(world: World, truth: Truth, expected: Expected) {
    this.#world = world
    this.#truth = truth
    this.#expected = expected
  }

  /** A program got a hold at this very moment. */
  granted(who: Pick<Grant, 'process' | 'client' | 'listens' | 'calledMs'>, hold: Hold): Grant {
    const { process } = who
    this.#world.mark('hold given')
    const grants = this.#grants.get(hold.name) ?? []
    this.#grants.set(hold.name, grants)
    this.#world.note(`${process.name} holds ${hold.name} with token ${hold.token}`)
    if (!hold.held)
      this.violated('true-belief', `${process.name} was given a hold of ${hold.name} that it does not hold`)
    const { remainingMs } = hold
    if (remainingMs < this.#expected.leastMs)
      this.violated('time-to-work', `${process.name} was given ${hold.name} for ${remainingMs} ms`)
    const fresh = { givenMs: this.#world.nowMs, believedMs: undefined, told: 0, released: false }
    const grant: Grant = { ...who, ...fresh, hold }
    const larger = grants.find((before) => before.hold.token >= hold.token)
    const inOrder = larger && larger.hold.token > hold.token && this.#expected.permits > 1
    if (larger && !inOrder && !this.#expected.breaks.isBrokenOnItsWay(given(grant))) {
      this.violated('growing-tokens', `token ${hold.token} of ${hold.name} came after ${larger.hold.token}`)
    }
    hold.signal.addEventListener('abort', () => this.#lost(grant))
    grants.push(grant)
    this.look()
    return grant
  }

  /** A program has just called `release`. `wasHeld` is the value that it read before. */
  released(grant: Grant, wasHeld: boolean): void {
    if (grant.released) return // the client was closed before
    grant.released = true
    const { hold, process, told } = grant
    if (hold.held) this.violated('true-belief', `${process.name} released ${hold.name} and still reads held`)
    if (!wasHeld && told === 0)
      this.violated('loss-told-once', `${process.name} was not told that it lost ${hold.name}`)
  }

  /** A client was just asked to close. */
  closed(client: Leasehold): void {
    for (const grant of [...this.#grants.values()].flat()) {
      if (grant.client !== client || grant.released) continue
      const { hold, process } = grant
      if (hold.held)
        this.violated('true-belief', `${process.name} closed its client and still holds ${hold.name}`)
      grant.released = true
    }
  }

  /** Until then a process does not run, or its timers do not know the time. */
  stopped(process: SimProcess, untilMs: number): void {
    const before = this.#stoppedUntilMs.get(process.name) ?? never
    this.#stoppedUntilMs.set(process.name, Math.max(before, untilMs))
  }

  /** The store ends all sessions of a process, and keeps its locks from everyone until then: so long it may still believe. */
  orphaned(process: string, untilMs: number): void {
    this.#coveredUntilMs.set(process, untilMs)
  }

  /** The store has changed, or a program acts: nobody may believe what is not true. */
  look(): void {
    for (const [name, grants] of this.#grants) {
      const believers = grants.filter((grant) => this.#believes(grant))
      for (const believer of believers) believer.believedMs = this.#world.nowMs
      const owners = this.#truth.owners(name)
      const strays = believers.filter(({ process }) => !owners.includes(process.name))
      const crowded = owners.length + strays.length > this.#expected.permits
      for (const { process, hold, listens } of strays) {
        if (!crowded && this.#world.nowMs < (this.#coveredUntilMs.get(process.name) ?? never)) continue
        const how = listens ? 'was not told that it lost' : 'believes to hold'
        this.violated(
          'true-belief',
          `${process.name} ${how} ${name} (${hold.token}); owners: [${owners.join(', ')}]`,
        )
      }
      if (believers.length > this.#expected.permits) {
        const names = believers.map((believer) => believer.process.name).join(', ')
        this.violated('permits-kept', `${believers.length} believe to hold ${name}: ${names}`)
      }
    }
  }

  /** Checks at the end of the run that the programs saw a possible history of a mutex, independent of the store. */
  finish(): void {
    if (this.#expected.permits > 1) return
    for (const [name, grants] of this.#grants) {
      const seen = grants.map(
        (grant): Seen => ({ ...grant, process: grant.process.name, token: grant.hold.token }),
      )
      if (!isLinearizable(stepsOf(seen)))
        this.violated('possible-history', `the holds of ${name} fit no order: ${tellSeen(seen)}`)
    }
  }

  violated(invariant: Invariant, what: string): void {
    this.violations.push({ invariant, what: `${this.#world.nowMs} ms: ${what}` })
    this.#world.note(`VIOLATION of ${invariant}: ${what}`)
  }

  #believes(grant: Grant): boolean {
    const { process, hold, listens, released, told } = grant
    const { nowMs } = this.#world
    if (!process.running || released || this.#expected.breaks.isMistaken(given(grant))) return false
    if (!listens) return hold.held
    return told === 0 && nowMs > (this.#stoppedUntilMs.get(process.name) ?? never) + lateMs
  }

  #lost(grant: Grant): void {
    grant.told += 1
    const { process, hold, released, told } = grant
    this.#world.mark('hold lost')
    this.#world.note(`${process.name} lost ${hold.name}`)
    if (this.#expected.healthy)
      this.violated('no-needless-loss', `${process.name} lost ${hold.name} though nothing went wrong`)
    if (released) this.violated('loss-told-once', `${process.name} was told of a loss after its release`)
    if (told > 1) this.violated('loss-told-once', `${process.name} was told twice of one loss`)
    if (hold.held) this.violated('true-belief', `${process.name} was told of a loss and still reads held`)
  }
}

function given({ process, hold, givenMs }: Grant): Given {
  return { process: process.name, name: hold.name, token: hold.token, givenMs }
}

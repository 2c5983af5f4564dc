// The invariants of locks of every form: the weights of the programs that believe to hold fit into the permits, the store
// agrees with them, and a loss is told once. turns.ts judges the order. Knows nothing of the inside of a store.
import { cohortPermits, tokensEach } from '../../../src/base/shapes.ts'
import type { World } from '../../../src/testing/world.ts'
import type { Invariant, Violation } from '../invariants.ts'
import { handedMost, handedMs } from './plan.ts'
import { Turns } from './turns.ts'

/** One call for a lock, from its beginning to its end. */
export interface Call {
  readonly process: string
  readonly name: string
  readonly permits: number
  readonly calledMs: number
  /** Whether it went to the store at once: it is for the first name of its job, and its process had no other call for it. */
  readonly alone: boolean
  /** Whether its job takes several names. Then the judge cannot see when it holds the first of them. */
  readonly isPart: boolean
  /** How many permits it has, or waits for. */
  weight: number
  /** Whether its program believes now that it holds. Undefined while it waits. */
  believes?: () => boolean
}

/** The calls of a job that has a hold, and what the job can read of the hold. */
export interface Grant {
  readonly process: string
  readonly calls: readonly Call[]
  readonly tokens: readonly bigint[]
  readonly signal: AbortSignal
  readonly believes: () => boolean
  /** How often it has learned that it lost the hold. */
  told: number
  released: boolean
}

/** The processes whose claims hold a name now, by the store. */
type Owners = (name: string, permits: number) => readonly string[]

/** In the place of a process: a name that stays taken. */
const keeper = 'kept'

/** How much the clock of a store may differ. */
const clockMs = 20
/** How long after its end a waiter may notice that a name is kept no more: on Consul it looks for that once a second. */
const noticeMs = 2_000

/** Judges one run. */
export class Judge {
  readonly violations: Violation[] = []
  readonly #world: World
  readonly #owners: Owners
  readonly #healthy: boolean
  readonly #turns: Turns
  readonly #calls = new Set<Call>()
  readonly #largest = new Map<string, bigint>()
  /** The claims with `handoff`: who has or had each, and since when. */
  readonly #cohorts = new Map<bigint, { readonly process: string; readonly sinceMs: number }>()
  readonly #coveredUntilMs = new Map<string, number>()
  /** The names that stay taken, and the process whose session, or one that it opened, keeps each. */
  readonly #kept = new Map<Call, string>()

  constructor(world: World, owners: Owners, healthy: boolean) {
    this.#world = world
    this.#owners = owners
    this.#healthy = healthy
    const complain = this.complain.bind(this)
    this.#turns = new Turns(world, this.#calls, healthy ? complain : () => {})
  }

  /** A job asks for all these names. It asks the store for the first of them at once. */
  begin(
    process: string,
    sizes: readonly (readonly [name: string, permits: number, weight: number])[],
  ): Call[] {
    return sizes.map(([name, permits, weight], index) => {
      const others = [...this.#calls].some((each) => each.process === process && each.name === name)
      const place = { alone: index === 0 && !others, isPart: sizes.length > 1 }
      const call: Call = { process, name, permits, weight, ...place, calledMs: this.#world.nowMs }
      this.#calls.add(call)
      this.#turns.changed(name)
      return call
    })
  }

  /** The job has its hold at this very moment. */
  granted(calls: readonly Call[], hold: Pick<Grant, 'tokens' | 'signal' | 'believes'>): Grant {
    const process = calls[0]?.process ?? ''
    const grant: Grant = { process, calls, ...hold, told: 0, released: false }
    const atOnce = new Set(hold.tokens).size === 1 ? 'at once' : 'in order'
    if (calls.length > 1) this.#world.mark(`several names ${atOnce}`)
    if (!hold.believes()) this.complain('true-belief', `${process} was given a hold that it does not hold`)
    hold.signal.addEventListener('abort', () => this.#lost(grant))
    for (const [index, call] of calls.entries()) this.#given(call, hold.tokens[index] ?? 0n, hold.believes)
    this.look()
    return grant
  }

  #given(call: Call, token: bigint, believes: () => boolean): void {
    call.believes = believes
    const { process, name, permits, weight } = call
    this.#world.mark(weight === 1 ? 'one permit' : weight === permits ? 'all permits' : 'some permits')
    if (permits === cohortPermits) this.#handedOver(call, token)
    const largest = this.#largest.get(name) ?? 0n
    if (weight === permits && token <= largest)
      this.complain('growing-tokens', `${process} has all of ${name} with ${token}, after ${largest}`)
    this.#largest.set(name, token > largest ? token : largest)
    this.#turns.granted(call, permits === cohortPermits && token % BigInt(tokensEach) > 0n)
  }

  /** A hold that was handed over: its process had the claim before, no more often and no longer than the bounds say. */
  #handedOver({ process, name }: Call, token: bigint): void {
    const [admission, number] = [token / BigInt(tokensEach), Number(token % BigInt(tokensEach))]
    const before = this.#cohorts.get(admission)
    if (number === 0) this.#cohorts.set(admission, { process, sinceMs: this.#world.nowMs })
    if (number > 0) this.#world.mark('handed over')
    const mostMs = (before?.sinceMs ?? 0) + handedMs * 1.05 + clockMs
    const isWithin = before?.process === process && number <= handedMost && this.#world.nowMs <= mostMs
    if (number > 0 && !isWithin)
      this.complain('bounded-handover', `${process} was handed ${name} (${number}) after its bounds`)
  }

  /** A call has fewer permits from now on. */
  lighter(call: Call, weight: number): void {
    call.weight = weight
    this.#world.mark('gave back a part')
    this.#turns.changed(call.name)
  }

  /** A program is about to release its hold: if it lost the hold, it was told. */
  releases(grant: Grant): void {
    const believes = grant.believes()
    if (!believes && grant.told === 0)
      this.complain('loss-told-once', `${grant.process} was not told that it lost ${namesOf(grant)}`)
    grant.released = true
  }

  /** The calls ended: their holds are released, or they failed. */
  end(calls: readonly Call[]): void {
    for (const call of calls) {
      this.#calls.delete(call)
      this.#turns.changed(call.name)
    }
  }

  /** The names of a hold that was released stay taken at least and at most until these times, although nobody holds them. */
  kept({ process, calls }: Grant, leastMs: number, mostMs: number): void {
    this.#world.mark('kept')
    const { nowMs } = this.#world
    for (const call of calls) {
      const believes = (): boolean => this.#kept.has(stays) && this.#world.nowMs < leastMs - clockMs
      const stays: Call = { ...call, process: keeper, alone: false, believes }
      this.#calls.add(stays)
      this.#kept.set(stays, process)
      this.#world.after(mostMs - nowMs + noticeMs, () => this.end([stays]))
    }
  }

  /** The claims of a process ended with it. */
  died(process: string): void {
    this.end([...this.#calls].filter((call) => call.process === process))
  }

  /**
   * The store ends all sessions of a process, and keeps its locks from everyone until then: so long it may still believe. The
   * sessions that keep names for it may end, too. Nobody works under these, so they are free at once.
   */
  orphaned(process: string, untilMs: number): void {
    this.#coveredUntilMs.set(process, untilMs)
    for (const [call, by] of this.#kept) if (by === process) this.#kept.delete(call)
  }

  /** The store has changed, or a program acts. */
  look(): void {
    const believers = [...this.#calls].filter((call) => call.believes?.())
    const names = new Map(believers.map(({ name, permits }) => [name, permits]))
    for (const [name, permits] of names) {
      const taken = believers.filter((each) => each.name === name)
      const sum = taken.reduce((all, { weight }) => all + weight, 0)
      const told = taken.map(({ process, weight }) => `${process} ${weight}`).join(', ')
      if (sum > permits) this.complain('permits-kept', `${sum} of ${permits} of ${name}: ${told}`)
      const owners = this.#owners(name, permits)
      const isCovered = (process: string): boolean =>
        this.#world.nowMs < (this.#coveredUntilMs.get(process) ?? Number.NEGATIVE_INFINITY)
      const isAtHome = (process: string): boolean => process === keeper || owners.includes(process)
      const stray = taken.find(({ process }) => !isAtHome(process) && !isCovered(process))
      if (stray)
        this.complain(
          'true-belief',
          `${stray.process} believes to hold ${name}; owners: [${owners.join(', ')}]`,
        )
    }
  }

  complain(invariant: Invariant, what: string): void {
    this.violations.push({ invariant, what: `${this.#world.nowMs} ms: ${what}` })
    this.#world.note(`VIOLATION of ${invariant}: ${what}`)
  }

  #lost(grant: Grant): void {
    grant.told += 1
    const [{ process, released }, names] = [grant, namesOf(grant)]
    this.#world.mark('hold lost')
    this.#world.note(`${process} lost ${names}`)
    if (this.#healthy) this.complain('no-needless-loss', `${process} lost ${names} though nothing went wrong`)
    if (released)
      this.complain('loss-told-once', `${process} learned that it lost ${names} after its release`)
    if (grant.believes())
      this.complain('true-belief', `${process} lost it, was told so, and still reads held`)
  }
}

function namesOf({ calls }: Grant): string {
  return calls.map(({ name }) => name).join(' and ')
}

// The invariants of leaders, with all faults. Owns the judgement, from what the work saw, from what observers saw, and
// from the first place in the store.

import type { LedTerm } from '../../../src/api/term.ts'
import { HoldLostError } from '../../../src/base/errors.ts'
import type { Leader } from '../../../src/contract.ts'
import type { SimProcess } from '../../../src/testing/process.ts'
import type { World } from '../../../src/testing/world.ts'
import type { Breaks, Given } from '../breaks.ts'
import type { Invariant, Violation } from '../invariants.ts'
import { graceMs } from './plan.ts'

/** A claim that has stood in its present place for so long, in ms, has overtaken the lower ones ahead. */
const waitedMs = 4_000

/** Work that runs in a term. */
export interface Tenure {
  readonly process: SimProcess
  readonly term: LedTerm
  working: boolean
  askedAtMs: number
  readonly givenMs: number
}

/** The line of the election, read from the store's own data. */
export interface Line {
  owners(): readonly string[]
  standing(): readonly string[]
}

/** All terms of one run. */
export class Judge {
  readonly violations: Violation[] = []
  readonly #world: World
  readonly #line: Line
  readonly #breaks: Breaks
  readonly #oneWorks: boolean
  readonly #leastMs: number
  readonly #lockDelayMs: number
  readonly #tenures: Tenure[] = []
  readonly #values = new Map<bigint, string[]>()
  readonly #seen = new Map<string, bigint>()
  /** The candidates that were told that they wait, and their priorities. */
  readonly #waiting = new Map<SimProcess, number | undefined>()
  /** Since when the claim of each process stands in line: a leader that moves a claim makes it join once more. */
  readonly #standingSinceMs = new Map<string, number>()
  /** Since when the store no longer knows a candidate as the first: from then its lock-delay runs. */
  readonly #orphanedAtMs = new Map<string, number>()
  #successor: { readonly name: string; readonly sinceMs: number } | undefined

  /**
   * With `oneWorks`, work of this run has the time to end before another candidate's begins. A term that begins is held for
   * at least `leastMs`.
   */
  constructor(
    world: World,
    line: Line,
    breaks: Breaks,
    rules: { readonly oneWorks: boolean; readonly leastMs: number; readonly lockDelayMs: number },
  ) {
    this.#oneWorks = rules.oneWorks
    this.#leastMs = rules.leastMs
    this.#lockDelayMs = rules.lockDelayMs
    this.#world = world
    this.#line = line
    this.#breaks = breaks
  }

  complain(invariant: Invariant, what: string): void {
    this.violations.push({ invariant, what: `${this.#world.nowMs} ms: ${what}` })
    this.#world.note(`VIOLATION of ${invariant}: ${what}`)
  }

  /** Work begins under a term. */
  begins(process: SimProcess, term: LedTerm): Tenure {
    this.#world.note(`${process.name} leads with token ${term.token}`)
    this.#world.mark('term')
    if (!term.held)
      this.complain('work-within-term', `${process.name} works under a term that it does not hold`)
    if (term.remainingMs < this.#leastMs)
      this.complain('time-to-work', `${process.name} begins its work with ${term.remainingMs} ms left`)
    const givenMs = this.#world.nowMs
    const tenure = { process, term, working: true, askedAtMs: Infinity, givenMs }
    const larger = this.#tenures.find((before) => before.term.token >= term.token)
    if (larger && !this.#breaks.isBrokenOnItsWay(given(tenure)))
      this.complain('growing-tokens', `term ${term.token} came after ${larger.term.token}`)
    const beside = this.#tenures.find((before) => before.process === process && before.working)
    if (beside)
      this.complain('one-leader', `${process.name} works for ${term.token} beside ${beside.term.token}`)
    term.signal.addEventListener('abort', () => this.#asked(tenure))
    this.#tenures.push(tenure)
    this.look()
    return tenure
  }

  ends(tenure: Tenure): void {
    this.look()
    tenure.working = false
  }

  /** A candidate stands in line, for as long as it leads or `leaves`. */
  stands(process: SimProcess, priority: number | undefined): void {
    this.#waiting.set(process, priority)
  }

  leaves(process: SimProcess): void {
    this.#waiting.delete(process)
  }

  /** The process that is to lead next. */
  namedNext(name: string): void {
    this.#successor = { name, sinceMs: this.#world.nowMs }
    this.#world.mark('handed over')
  }

  /** Checks that this process is the one whose turn it is, in a run in which nothing goes wrong. */
  inTurn(process: SimProcess, priority: number | undefined): void {
    const { nowMs } = this.#world
    const named = this.#successor
    this.#successor = undefined
    const others = [...this.#waiting].filter(([other]) => other !== process && other.running)
    const sinceMs = ({ name }: SimProcess): number => this.#standingSinceMs.get(name) ?? nowMs
    // A newcomer may have overtaken the one that was named, be it this process or one that still waits.
    const everyone = [process, ...others.map(([other]) => other)]
    const isLast = named && everyone.every((each) => sinceMs(each) < named.sinceMs - waitedMs)
    if (isLast && others.some(([other]) => other.name === named.name))
      this.complain('named-successor', `${process.name} leads, and the leader had named ${named.name}`)
    const below = (one = 0, other = 0): boolean => one < other
    const higher = others.find(([other, each]) => below(priority, each) && nowMs - sinceMs(other) > waitedMs)
    if (higher && priority !== undefined && !named)
      this.complain('higher-first', `${process.name} leads with ${priority} before ${higher[0].name}`)
    if (others.some(([, each]) => below(each, priority))) this.#world.mark('higher leads')
  }

  /** A value is about to be proclaimed: from now on observers may see it. */
  says(token: bigint, value: string): void {
    const values = this.#values.get(token) ?? []
    this.#values.set(token, [...values, value])
  }

  /** An observer saw a leader. */
  observed(observer: string, leader: Leader | undefined): void {
    this.#world.mark(leader ? 'leader observed' : 'no leader observed')
    if (!leader) return
    const before = this.#seen.get(observer) ?? 0n
    if (leader.token < before)
      this.complain('ordered-sight', `${observer} saw the term ${leader.token} after ${before}`)
    this.#seen.set(observer, leader.token)
    // A term begins with the last value of an earlier term of its candidate.
    const values = [...this.#values].flatMap(([token, said]) => (token <= leader.token ? said : []))
    if (!leader.value.startsWith('first of ') && !values.includes(leader.value))
      this.complain(
        'ordered-sight',
        `${observer} saw ${leader.value}, which nobody said in term ${leader.token}`,
      )
  }

  /** Checks that nobody believes an untruth, and that no term is given up while its work runs. */
  look(): void {
    const owners = this.#line.owners()
    this.#noteStanding(owners)
    const leaders = this.#tenures.filter(({ process, term }) => process.running && term.held)
    const sound = leaders.filter((tenure) => !this.#breaks.isMistaken(given(tenure)))
    for (const { process, term } of sound) {
      if (this.#isCovered(process.name, owners)) continue
      this.complain(
        'true-belief',
        `${process.name} believes in term ${term.token}; the store knows [${owners.join(', ')}]`,
      )
    }
    if (sound.length > 1)
      this.complain('one-leader', `terms ${sound.map(({ term }) => term.token).join(' and ')} overlap`)
    for (const tenure of this.#tenures) this.#orderly(tenure)
    const working = this.#tenures.filter((tenure) => tenure.working && tenure.process.running)
    if (working.length > 1 && this.#oneWorks)
      this.complain('one-worker', `${working.map(({ process }) => process.name).join(' and ')} work at once`)
  }

  #noteStanding(owners: readonly string[]): void {
    const standing = new Set([...owners, ...this.#line.standing()])
    for (const name of this.#standingSinceMs.keys())
      if (!standing.has(name)) this.#standingSinceMs.delete(name)
    for (const name of standing)
      if (!this.#standingSinceMs.has(name)) this.#standingSinceMs.set(name, this.#world.nowMs)
  }

  /** Whether nobody else can lead: this candidate is the first, or was, and its lock-delay keeps all others out. */
  #isCovered(name: string, owners: readonly string[]): boolean {
    if (owners.includes(name)) return this.#orphanedAtMs.delete(name) || true
    const sinceMs = this.#orphanedAtMs.get(name) ?? this.#world.nowMs
    this.#orphanedAtMs.set(name, sinceMs)
    return owners.length === 0 && this.#world.nowMs < sinceMs + this.#lockDelayMs
  }

  /** A term is given up only when its work is over or had its grace, unless it was lost. */
  #orderly({ process, term, working, askedAtMs }: Tenure): void {
    if (!working || !process.running || term.held) return
    if (wasLost(term) || this.#world.nowMs >= askedAtMs + graceMs * 0.9) return
    this.complain('work-within-term', `${process.name} gave up term ${term.token} while its work goes on`)
  }

  #asked(tenure: Tenure): void {
    tenure.askedAtMs = this.#world.nowMs
    const { term, process } = tenure
    if (!(term.signal.reason instanceof HoldLostError)) return
    this.#world.mark('term lost')
    this.#world.note(`${process.name} lost term ${term.token}`)
  }
}

/** Whether it ended without being given up; a signal that told an earlier reason to stop does not say. */
function wasLost(term: LedTerm): boolean {
  try {
    term.assertHeld()
    return false
  } catch (error) {
    return !String(error).includes('was released')
  }
}

function given({ process, term, givenMs }: Tenure): Given {
  return { process: process.name, name: term.name, token: term.token, givenMs }
}

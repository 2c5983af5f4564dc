// The invariants of the ticks of a cron job, whatever happens to its hosts. Owns the judgement, from the runs of the
// jobs and from the times in which each host was sound.
import type { Hold } from '../../../src/api/hold.ts'
import type { SimProcess } from '../../../src/testing/process.ts'
import type { World } from '../../../src/testing/world.ts'
import type { Breaks } from '../breaks.ts'
import type { Invariant, Violation } from '../invariants.ts'
import type { CronPlan } from './plan.ts'

interface Run {
  readonly host: number
  readonly process: SimProcess
  readonly hold: Hold
  /** The earliest time at which the hold began. An older hold has been renewed or is over. */
  readonly givenMs: number
  working: boolean
  /** Whether the end of the job is on record. */
  done: boolean
}

/** The true time at which the wall clocks of the simulation begin. */
const epochMs = 1_700_000_000_000
const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
/** Jobs that are longer stand in the way of the next tick. */
const shortMs = 5_000
/** How early a tick may be taken. */
const aheadMs = 60_000
/**
 * How long a sound host needs for rests between tries and a new session. The time that a dead host's lock stays comes
 * on top.
 */
const needMs = 20_000

/** The facts about the world that the ledger needs. */
export interface LedgerOptions {
  readonly breaks: Breaks
  readonly ttlMs: number
  readonly takeOverMs: number
}

/** All ticks of one run. */
export class Ledger {
  readonly violations: Violation[] = []
  readonly #world: World
  readonly #plan: CronPlan
  readonly #breaks: Breaks
  readonly #ttlMs: number
  readonly #runs = new Map<number, Run[]>()
  readonly #missed = new Set<number>()
  /** Ticks on record, although their host may have died before the job began. */
  readonly #taken = new Set<number>()
  /** Ticks that were marked and not done, with the process that did it: the last one first. */
  readonly #marks: { readonly tickMs: number; readonly owner: string }[] = []
  /** Ticks that a host has marked, and given back since it had to stop. */
  readonly #returned = new Set<number>()
  /** Ticks that a host told to be on record, and not run. */
  readonly #lost = new Set<number>()
  /** Since when each host keeps its schedule; Infinity while it does not. */
  readonly #upSinceMs: number[]
  /** Since when each host reaches the store, too; Infinity while it does not. */
  readonly #soundSinceMs: number[]
  /** Ticks that some host could have run: up before its own time of it, and sound for long enough before the next one. */
  readonly #possible = new Set<number>()
  readonly #intervalMs: number
  readonly #needMs: number

  constructor(world: World, plan: CronPlan, { breaks, ttlMs, takeOverMs }: LedgerOptions) {
    this.#world = world
    this.#breaks = breaks
    this.#ttlMs = ttlMs
    this.#plan = plan
    this.#upSinceMs = plan.skewsMs.map(() => Infinity)
    this.#soundSinceMs = plan.skewsMs.map(() => Infinity)
    this.#intervalMs = plan.every * minuteMs
    this.#needMs = Math.min(this.#intervalMs, needMs + takeOverMs)
  }

  /** Whether this is the host whose clock is wrong. */
  isWrong(host: number): boolean {
    return host >= this.#plan.skewsMs.length
  }

  complain(invariant: Invariant, what: string): void {
    this.violations.push({ invariant, what: `${this.#world.nowMs} ms: ${what}` })
  }

  /** Notes the record in the store, and who holds the lock. Returns whether a tick was marked just now. */
  looked(marker: string | undefined, owner: string | undefined): boolean {
    if (marker === undefined) return false
    const { others = [], ...first } = JSON.parse(marker)
    const ticks: number[] = [first, ...others].flatMap(({ tick }) =>
      tick === null ? [] : [Date.parse(tick)],
    )
    const [mark] = this.#marks
    const [tickMs] = ticks
    if (mark && !ticks.includes(mark.tickMs) && !this.#runs.has(mark.tickMs)) this.#givenBack(mark.tickMs)
    for (const each of ticks) this.#taken.add(each)
    const isNew = tickMs !== undefined && !first.done && mark?.tickMs !== tickMs
    if (tickMs !== undefined && !first.done && owner) this.#marks.unshift({ tickMs, owner })
    return isNew
  }

  #givenBack(tickMs: number): void {
    this.#world.mark('tick given back')
    this.#taken.delete(tickMs)
    this.#returned.add(tickMs)
  }

  /** A process has stopped in peace: each tick that it has marked has run, was given back, or was told to be lost. */
  stopped(process: string): void {
    for (const { tickMs, owner } of this.#marks) {
      const isKnown = this.#runs.has(tickMs) || this.#returned.has(tickMs) || this.#lost.has(tickMs)
      if (owner === process && !isKnown)
        this.complain(
          'no-tick-lost',
          `${new Date(tickMs).toISOString()} was used up by ${process}, which stopped`,
        )
    }
  }

  /** A host has told that a tick is on record, and did not run. */
  lost(tickMs: number): void {
    this.#world.mark('tick lost and told')
    this.#lost.add(tickMs)
  }

  /** A host runs and reaches the store. */
  up(host: number): void {
    if (this.isWrong(host)) return
    this.#upSinceMs[host] = this.#world.nowMs
    this.#soundSinceMs[host] = this.#world.nowMs
  }

  down(host: number): void {
    this.#note(host)
    this.#upSinceMs[host] = Infinity
    this.#soundSinceMs[host] = Infinity
  }

  /**
   * A host cannot act, or cannot reach the store, for this time. Then it is sound again, but has to repeat its
   * preparations.
   */
  disturbed(host: number, forMs: number): void {
    this.#note(host)
    const since = this.#soundSinceMs[host] ?? Infinity
    const again = this.#world.nowMs + forMs + 15_000
    if (since < Infinity) this.#soundSinceMs[host] = Math.max(since, again)
  }

  /** A job begins; the function returned says that it ends. */
  begun(tickMs: number, { host, process, hold }: Pick<Run, 'host' | 'process' | 'hold'>): () => void {
    const givenMs = this.#world.nowMs - this.#ttlMs
    const run = { host, process, hold, givenMs, working: true, done: false }
    const runs = this.#runs.get(tickMs) ?? []
    this.#runs.set(tickMs, runs)
    const at = new Date(tickMs).toISOString()
    if (runs.length > 0 && !this.#plan.retry)
      this.complain('tick-once', `${at} runs again, on ${process.name}`)
    if (tickMs - process.wallMs() > aheadMs)
      this.complain('tick-at-its-time', `${at} runs too early, on ${process.name}`)
    if (this.#missed.has(tickMs) && !this.isWrong(host))
      this.complain('missed-tick-told', `${at} runs on ${process.name} after it was told to be missed`)
    // A job whose lock was broken may go on for a while, or even begin, while the next one runs.
    const broken = this.#isMistaken(run)
    const later = this.isWrong(host) ? undefined : this.#begun().findLast((ms) => ms > tickMs)
    if (later && !broken)
      this.complain(
        'ticks-in-order',
        `${at} runs on ${process.name} after ${new Date(later).toISOString()} did`,
      )
    const before = runs.find((one) => one.done || this.#goesOn(one))
    if (before && !broken)
      this.complain('tick-once', `${at} runs on ${process.name} although ${before.process.name} did it`)
    const beside = [...this.#runs.values()].flat().find((one) => this.#goesOn(one))
    if (beside && !broken)
      this.complain('ticks-in-order', `${at} runs on ${process.name} while ${beside.process.name} is at work`)
    runs.push(run)
    this.#world.mark(runs.length > 1 ? 'tick run again' : 'tick run')
    return () => {
      run.working = false
    }
  }

  /** The last job of this tick ended, and learned that this is on record. */
  done(tickMs: number): void {
    const run = this.#runs.get(tickMs)?.at(-1)
    if (run) run.done = true
  }

  /** A host whose clock is right has told that no host took this tick. */
  missed(tickMs: number): void {
    if (this.#missed.has(tickMs))
      this.complain('missed-tick-told', `${new Date(tickMs).toISOString()} was told to be missed twice`)
    this.#missed.add(tickMs)
    if (this.#runs.has(tickMs))
      this.complain('missed-tick-told', `${new Date(tickMs).toISOString()} was run, and told to be missed`)
  }

  judge(): void {
    for (const host of this.#soundSinceMs.keys()) this.#note(host)
    const ticks = this.#begun()
    for (const tickMs of this.#possible) {
      // The other hosts may have seen the mark, and gone. With `retry` they stay in line.
      if (!this.#counts(tickMs) && (this.#plan.retry || !this.#returned.has(tickMs)))
        this.complain('no-tick-lost', `${new Date(tickMs).toISOString()} never ran, though a host could`)
    }
    const [first = 0, last = 0] = [ticks[0], ticks.at(-1)]
    for (let tickMs = first; tickMs < last; tickMs += this.#intervalMs) {
      if (this.#counts(tickMs)) continue
      this.#world.mark('tick that nobody ran')
      if (this.#plan.catchUp)
        this.complain('missed-tick-told', `${new Date(tickMs).toISOString()} was not made up for`)
      else if (!this.#missed.has(tickMs))
        this.complain('missed-tick-told', `${new Date(tickMs).toISOString()} was missed in silence`)
    }
  }

  /**
   * Whether the tick counts as run. At most once: a tick on record may have died with its host. At least once: its job
   * has to be done.
   */
  #counts(tickMs: number): boolean {
    return this.#plan.retry ? this.#runs.has(tickMs) : this.#taken.has(tickMs)
  }

  #goesOn(run: Run): boolean {
    const { process, hold, working } = run
    return working && process.alive && process.running && hold.held && !this.#isMistaken(run)
  }

  #isMistaken({ process, hold, givenMs }: Run): boolean {
    return this.#breaks.isMistaken({ process: process.name, name: hold.name, token: hold.token, givenMs })
  }

  /** Notes which ticks fall into the time in which this host was sound until now. */
  #note(host: number): void {
    if (this.#plan.jobMs > shortMs || this.isWrong(host)) return
    const [upMs = Infinity, soundMs = Infinity] = [this.#upSinceMs[host], this.#soundSinceMs[host]]
    const skewMs = this.#plan.skewsMs[host] ?? 0
    const own = (trueMs: number): number => epochMs + skewMs + trueMs
    const each = this.#intervalMs
    const firstMs = Math.ceil((own(upMs) + 1_000) / each) * each
    for (let tickMs = firstMs; tickMs <= own(this.#world.nowMs); tickMs += each) {
      const untilMs = Math.min(tickMs + each, own(this.#world.nowMs))
      if (untilMs - Math.max(tickMs, own(soundMs)) >= this.#needMs) this.#possible.add(tickMs)
    }
  }

  /**
   * The ticks of the simulated time that began on hosts whose clocks are right, in order. With `retry` such a host also runs
   * a tick again that the one with the wrong clock has begun, a day before.
   */
  #begun(): number[] {
    const isRight = ({ host }: Run): boolean => !this.isWrong(host)
    return [...this.#runs]
      .flatMap(([tickMs, each]) =>
        Math.abs(tickMs - epochMs) < dayMs / 2 && each.some(isRight) ? [tickMs] : [],
      )
      .sort((one, other) => one - other)
  }
}

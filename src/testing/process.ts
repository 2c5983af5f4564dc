// A simulated process: its clocks, its timers, and the one method through which everything reaches it. Owns what a
// process can see and when it can act. The production code in it runs unchanged; nothing interrupts it between two
// awaits.
import type { Clock, Mark } from '../base/clock.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** How a process's clocks differ from true time. */
export interface ClockFaults {
  /** Milliseconds on its clocks per true millisecond: 1.01 is one percent fast. */
  readonly rate: number
  /** The error of its wall clock, in ms. */
  readonly wallOffsetMs: number
}

interface Timer {
  readonly dueMs: number
  readonly order: number
  readonly run: () => void
  cancel: () => void
}

/** One process on one machine. */
export class SimProcess implements Clock {
  readonly name: string
  readonly #world: World
  readonly #random: Random
  readonly #lag: Random
  readonly #faults: ClockFaults
  readonly #timers = new Set<Timer>()
  /** The events that came while the process could not act, in order. */
  #waiting: (() => void)[] = []
  #state: 'running' | 'frozen' | 'dead' = 'running'
  #frozenUntilMs = 0
  #asleepMs = 0
  #asleepSinceMs: number | undefined
  #wallJumpMs = 0
  #order = 0

  constructor(world: World, name: string, faults: ClockFaults = { rate: 1, wallOffsetMs: 0 }) {
    this.#world = world
    this.name = name
    this.#faults = faults
    this.#random = world.random('process', name)
    this.#lag = world.random('lag', name)
  }

  mark(): Mark {
    const passedMs = this.#world.nowMs * this.#faults.rate
    return {
      monotonicMs: 1_000_000 + this.#awakeMs() * this.#faults.rate,
      wallMs: this.wallMs(),
      uptimeMs: 2_000_000 + Math.floor(passedMs / 10) * 10,
    }
  }

  wallMs(): number {
    const { rate, wallOffsetMs } = this.#faults
    return 1_700_000_000_000 + wallOffsetMs + this.#wallJumpMs + this.#world.nowMs * rate
  }

  after(ms: number, run: () => void): () => void {
    this.#order += 1
    const dueMs = this.#awakeMs() * this.#faults.rate + Math.max(0, ms)
    const timer: Timer = { dueMs, order: this.#order, run, cancel: () => {} }
    this.#timers.add(timer)
    this.#arm(timer)
    return () => this.#forget(timer)
  }

  random(): number {
    return this.#random.fraction()
  }

  id(): bigint {
    return this.#random.id()
  }

  /** The number of timers that are set. A client that is closed must have none. */
  get timers(): number {
    return this.#timers.size
  }

  get alive(): boolean {
    return this.#state !== 'dead'
  }

  /** Whether its code can run now. */
  get running(): boolean {
    return this.#state === 'running'
  }

  /** Every event reaches the process through this method: now, when the process can act again, or never. */
  enter(run: () => void): void {
    if (this.#state === 'running') run()
    else if (this.#state === 'frozen') this.#waiting.push(run)
  }

  /** Stops the process or blocks its event loop: clocks go on, no code runs. */
  freeze(ms: number): void {
    if (this.#state === 'dead') return
    this.#state = 'frozen'
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.#world.nowMs + ms)
    this.#world.note(`${this.name} frozen for ${ms} ms`)
    this.#world.after(ms, () => this.#thaw())
  }

  /** Suspends its machine: the monotonic clock, and with it all timers, also stand still. */
  suspend(ms: number): void {
    if (this.#state === 'dead') return
    this.#asleepSinceMs ??= this.#world.nowMs
    this.freeze(ms)
  }

  /** Changes its wall clock. */
  setWallBy(ms: number): void {
    this.#wallJumpMs += ms
    this.#world.note(`${this.name} wall clock ${ms} ms`)
  }

  /** Kills it (kill -9): none of its code runs again. */
  kill(): void {
    this.#state = 'dead'
    this.#waiting = []
    for (const timer of [...this.#timers]) this.#forget(timer)
    this.#world.note(`${this.name} killed`)
  }

  #awakeMs(): number {
    const asleepMs = this.#asleepSinceMs === undefined ? 0 : this.#world.nowMs - this.#asleepSinceMs
    return this.#world.nowMs - this.#asleepMs - asleepMs
  }

  /**
   * Continues as libuv does after a stop: first the overdue timers in the order in which they were due, then the events
   * that came meanwhile.
   */
  #thaw(): void {
    if (this.#state !== 'frozen' || this.#world.nowMs < this.#frozenUntilMs) return
    this.#state = 'running'
    this.#world.note(`${this.name} goes on`)
    if (this.#asleepSinceMs !== undefined) this.#asleepMs += this.#world.nowMs - this.#asleepSinceMs
    this.#asleepSinceMs = undefined
    const nowMs = this.#awakeMs() * this.#faults.rate
    const overdue = [...this.#timers].filter(({ dueMs }) => dueMs <= nowMs)
    overdue.sort((one, other) => one.dueMs - other.dueMs || one.order - other.order)
    const came = this.#waiting
    this.#waiting = []
    for (const timer of this.#timers) if (timer.dueMs > nowMs) this.#arm(timer)
    // One event of the world for each, so that promises settle in between, as in Node.
    for (const timer of overdue) this.#world.after(0, () => this.enter(() => this.#fire(timer)))
    for (const run of came) this.#world.after(0, () => this.enter(run))
  }

  #arm(timer: Timer): void {
    timer.cancel()
    const leftMs = (timer.dueMs - this.#awakeMs() * this.#faults.rate) / this.#faults.rate
    // Timers fire late: mostly by up to 2 ms, in three of a hundred cases by up to 60 ms.
    const lagMs = this.#lag.percent(3) ? this.#lag.fraction() * 60 : this.#lag.fraction() * 2
    timer.cancel = this.#world.after(Math.max(0, leftMs) + lagMs, () => {
      if (this.#state === 'running') this.#fire(timer)
    })
  }

  #fire(timer: Timer): void {
    if (!this.#timers.delete(timer)) return
    timer.cancel()
    timer.run()
  }

  #forget(timer: Timer): void {
    this.#timers.delete(timer)
    timer.cancel()
  }
}

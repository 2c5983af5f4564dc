// A clock that a test moves. Its three readings can be moved apart.
import type { Clock, Mark } from '../../src/base/clock.ts'

interface Timer {
  readonly dueMs: number
  readonly run: () => void
}

/** Time for tests: `advance` runs due timers in order; `block` and `suspend` let time pass without running any. */
export class ManualClock implements Clock {
  #monotonicMs = 0
  #wallMs = 1_000_000
  #uptimeMs = 50_000
  #ids = 0n
  readonly #timers = new Set<Timer>()

  mark(): Mark {
    return { monotonicMs: this.#monotonicMs, wallMs: this.#wallMs, uptimeMs: this.#uptimeMs }
  }

  wallMs(): number {
    return this.#wallMs
  }

  after(ms: number, run: () => void): () => void {
    const timer = { dueMs: this.#monotonicMs + Math.max(0, ms), run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  random(): number {
    return 0.5
  }

  id(): bigint {
    this.#ids += 1n
    return this.#ids
  }

  /** The number of timers that are set. A closed client must have none. */
  get timers(): number {
    return this.#timers.size
  }

  /** Lets `ms` pass, runs each timer at its time, and lets every promise settle in between. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms
    await settle()
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#pass(next.dueMs - this.#monotonicMs)
      this.#timers.delete(next)
      next.run()
      await settle()
    }
    this.#pass(untilMs - this.#monotonicMs)
  }

  /** Blocks the event loop or stops the process: all clocks go on, no timer runs. */
  block(ms: number): void {
    this.#pass(ms)
  }

  /** Suspends the machine: only the wall clock and the uptime go on. */
  suspend(ms: number): void {
    this.#wallMs += ms
    this.#uptimeMs += ms
  }

  /** Changes the wall clock. */
  setWallBy(ms: number): void {
    this.#wallMs += ms
  }

  #pass(ms: number): void {
    const passed = Math.max(0, ms)
    this.#monotonicMs += passed
    this.#wallMs += passed
    this.#uptimeMs += passed
  }

  #next(untilMs: number): Timer | undefined {
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= untilMs)
    return due.sort((one, other) => one.dueMs - other.dueMs)[0]
  }
}

/** Resolves when every promise that needs no timer has settled. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}

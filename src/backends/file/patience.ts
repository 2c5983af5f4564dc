// Waits for SQLite's lock for writing, which all processes share. It waits with timers: SQLite's own wait would stop
// the event loop. Owns how often to ask for the lock. The caller gives the work under the lock, and the signal that
// ends the wait.
//
// No process keeps that lock for longer than it takes to change a few rows. SQLite does not queue for it: a process
// that asks more often gets it sooner. So all processes ask at the same rate, and a long wait asks more often than a
// new one. Only the first repeat of each wait comes soon: most transactions take 0.1 ms, so most waits end with it.
import { untilAborted } from '../../base/abort.ts'
import { type Clock, leastElapsedMs, type Mark } from '../../base/clock.ts'
import { UnavailableError } from '../../base/errors.ts'
import { mayWait } from './facts.ts'
import { isLocked } from './failure.ts'

const soonMs = 1
const firstMs = 4
const lastMs = 1

/** How long jobs run in one turn of the event loop, at most. */
const turnMs = 5

/** The work of one client that waits for the lock. */
export class Patience {
  readonly #clock: Clock
  /** In order. Each job returns whether the lock was free. */
  readonly #waiting = new Set<() => boolean>()
  #since: Mark
  #cancelTick: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.mark()
  }

  /**
   * Does `work`, and repeats it while the lock is taken; a `work` that meets the lock must change nothing. Rejects with
   * other errors of the work, or with `signal.reason` when the signal aborts; after that the work is not done. If the
   * reason is a time-out of the request, the error says that the database is locked.
   */
  async run<T>(work: () => T, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    try {
      return work()
    } catch (error) {
      if (!isLocked(error)) throw error
      mayWait(signal)
      return this.#wait(work, signal).catch((reason) => {
        const late = reason === signal.reason && reason instanceof UnavailableError
        throw late ? new UnavailableError((error as Error).message, { cause: reason }) : reason
      })
    }
  }

  #wait<T>(work: () => T, signal: AbortSignal): Promise<T> {
    return untilAborted(signal, ({ resolve, reject }) => {
      const job = (): boolean => {
        try {
          resolve(work())
        } catch (error) {
          if (isLocked(error)) return false
          reject(error)
        }
        return true
      }
      if (this.#waiting.size === 0) this.#since = this.#clock.mark()
      this.#waiting.add(job)
      this.#setTick()
      return () => {
        this.#waiting.delete(job)
        if (this.#waiting.size === 0) this.#cancel()
      }
    })
  }

  #setTick(): void {
    const waitedMs = leastElapsedMs(this.#since, this.#clock.mark())
    const restMs = Math.max(lastMs, firstMs - waitedMs / 50) * (0.5 + this.#clock.random() / 2)
    this.#cancelTick ??= this.#clock.after(waitedMs < soonMs ? soonMs : restMs, () => this.#tick())
  }

  #tick(): void {
    this.#cancel()
    const began = this.#clock.mark()
    for (const job of [...this.#waiting]) {
      if (!this.#waiting.has(job)) continue // ended meanwhile
      if (!job() || leastElapsedMs(began, this.#clock.mark()) > turnMs) break
    }
    if (this.#waiting.size > 0) this.#setTick()
  }

  #cancel(): void {
    this.#cancelTick?.()
    this.#cancelTick = undefined
  }
}

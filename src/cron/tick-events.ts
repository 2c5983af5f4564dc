// Tells the end of each tick on this host. Owns the outcome that it tells; taking.ts takes part in the tick.

import type { TickResult } from '../api/cron.ts'
import type { CronTickEvent, TickOutcome } from '../api/events.ts'
import { type Clock, leastElapsedMs, type Mark } from '../base/clock.ts'
import { HoldLostError } from '../base/errors.ts'
import { tell } from '../core/events.ts'
import type { CronClient } from './contest.ts'
import { Final } from './outlast.ts'

/** The events of one tick, and of the late ticks that run before it. */
export class TickEvents {
  readonly #name: string
  readonly #client: CronClient
  readonly #clock: Clock
  readonly #since: Mark
  /** The ticks that were told. */
  readonly #told = new Set<number>()

  constructor({ name, client }: { readonly name: string; readonly client: CronClient }) {
    this.#name = name
    this.#client = client
    this.#clock = client.clock
    this.#since = client.clock.mark()
  }

  /** Runs the job of one tick, and tells its end. */
  async run<T>(token: bigint, tickMs: number, job: () => Promise<T>): Promise<T> {
    const since = this.#clock.mark()
    try {
      const value = await job()
      this.#tell(tickMs, 'ran', since, { token })
      return value
    } catch (error) {
      // A job that did not begin may still begin in another try.
      if (error instanceof Final)
        this.#tell(tickMs, outcomeOf(error.error), since, { token, error: error.error })
      throw error
    }
  }

  /** Tells the end of a tick whose job did not run here. */
  async taken<T extends TickResult<unknown>>(taking: Promise<T>, tickMs: number): Promise<T> {
    try {
      const result = await taking
      if (!result.ran && result.reason !== 'early') this.#tell(tickMs, result.reason, this.#since, {})
      return result
    } catch (error) {
      if (!this.#told.has(tickMs)) this.#tell(tickMs, 'error', this.#since, { error })
      throw error
    }
  }

  #tell(
    tickMs: number,
    outcome: TickOutcome,
    since: Mark,
    more: Pick<CronTickEvent, 'token' | 'error'>,
  ): void {
    this.#told.add(tickMs)
    tell('leasehold:cron.tick', () => {
      const durationMs = leastElapsedMs(since, this.#clock.mark())
      return {
        ...this.#client.acquirer.closing.origin,
        name: this.#name,
        tickMs,
        outcome,
        durationMs,
        ...more,
      }
    })
  }
}

function outcomeOf(error: unknown): TickOutcome {
  return error instanceof HoldLostError ? 'lost' : 'failed'
}

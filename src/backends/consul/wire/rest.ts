// The time for which a server wants no requests, as it says by the header Retry-After. Owns only that time.
import { type Clock, type Mark, mostElapsedMs, pause } from '../../../base/clock.ts'

/** The rest of one client: its servers are those of one cluster, which counts the requests of all. */
export class Rest {
  readonly #clock: Clock
  #asked: { readonly at: Mark; readonly ms: number } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** From now on there is a rest of this length. With 0 nothing changes. */
  ask(ms: number): void {
    if (ms > 0) this.#asked = { at: this.#clock.mark(), ms }
  }

  /** Whether a server has asked for a rest that may not be over. */
  get isAsked(): boolean {
    return this.#asked !== undefined
  }

  /** Resolves when the rest is over. Rejects with the reason of the signal. */
  async over(signal: AbortSignal): Promise<void> {
    if (!this.#asked) return
    const { at, ms } = this.#asked
    const leftMs = ms - mostElapsedMs(at, this.#clock.mark())
    if (leftMs > 0) await pause(this.#clock, leftMs, signal)
    else this.#asked = undefined
  }
}

/** The rest that a header asks for, in ms, at most 10 s. A date, which the header may have instead, counts as none. */
export function restMsOf(retryAfter = ''): number {
  return /^\d{1,6}$/.test(retryAfter) ? Math.min(10_000, 1_000 * Number(retryAfter)) : 0
}

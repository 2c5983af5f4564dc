// The moments at which the holds of a client are looked after. Owns two timers for all of them, so that they ask at the same
// moment, a backend can put their questions into a few requests, and a hold needs no timer of its own. watch.ts asks.
import type { Clock } from '../base/clock.ts'

/** A hold, as far as rounds know it. */
export interface Lasting {
  /** Called once, when the hold has lasted for a tenth of the time to live. */
  begin(): void
  /** Called in each round after that. */
  look(): void
}

/**
 * Rounds of a client: each begins at most a third of the time to live after the one before, and up to a tenth of that earlier.
 * A hold takes part when it has lasted for a tenth of the time to live, so that a short one costs no request.
 */
export class Rounds {
  readonly #clock: Clock
  readonly #shortMs: number
  readonly #everyMs: number
  /** Holds that may be short, in the order in which they began, with the time until which they are. */
  readonly #short = new Map<Lasting, number>()
  readonly #lasting = new Set<Lasting>()
  #cancelFirst: (() => void) | undefined
  #cancelRound: (() => void) | undefined

  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock
    this.#shortMs = ttlMs / 10
    this.#everyMs = ttlMs / 3
  }

  /** Costs no timer while another hold is short, nor soon after one was. */
  enter(hold: Lasting): void {
    this.#short.set(hold, this.#clock.mark().monotonicMs + this.#shortMs)
    this.#cancelFirst ??= this.#wake(this.#shortMs)
  }

  /** The hold has ended. Idempotent. */
  leave(hold: Lasting): void {
    if (this.#short.delete(hold) || !this.#lasting.delete(hold)) return
    if (this.#lasting.size === 0) this.#endRounds()
  }

  /** Ends both timers: the client is closed. */
  stop(): void {
    this.#cancelFirst?.()
    this.#cancelFirst = undefined
    this.#short.clear()
    this.#lasting.clear()
    this.#endRounds()
  }

  /** The timer stays when its hold ends: a loop of short holds sets no timer for each. It keeps no process alive. */
  #wake(ms: number): () => void {
    return this.#clock.after(ms, () => this.#beginDue(), true)
  }

  /** They have lasted equally long until then, so the first that is not due ends the search. */
  #beginDue(): void {
    this.#cancelFirst = undefined
    const nowMs = this.#clock.mark().monotonicMs
    for (const [hold, untilMs] of this.#short) {
      if (untilMs > nowMs) {
        this.#cancelFirst ??= this.#wake(Math.max(1, untilMs - nowMs))
        return
      }
      this.#short.delete(hold)
      this.#lasting.add(hold)
      this.#cancelRound ??= this.#nextRound()
      hold.begin()
    }
  }

  #nextRound(): () => void {
    return this.#clock.after(this.#everyMs * (1 - this.#clock.random() / 10), () => {
      this.#cancelRound = this.#nextRound()
      for (const hold of [...this.#lasting]) hold.look()
    })
  }

  #endRounds(): void {
    this.#cancelRound?.()
    this.#cancelRound = undefined
  }
}

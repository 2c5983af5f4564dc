// The end of a session in the store. Owns when a lost session is ended there: only when the last writes of its holders have
// arrived. session.ts decides that it is lost.
import { type Clock, leastElapsedMs, type Mark, pause } from '../base/clock.ts'
import { Scope } from '../base/scope.ts'
import type { Backend } from '../contract.ts'
import { marginMs } from './lifetime.ts'
import { persist, type RequestOptions } from './request.ts'

/** A session that ends. */
interface Ended {
  readonly id: string
  readonly ttlMs: number
  readonly coveredMs: number
  /** When the last request that confirmed the session was sent. */
  readonly sent: Mark
}

/** The end of one session in the store. */
export class SessionEnd {
  readonly #backend: Backend
  readonly #clock: Clock
  readonly #session: Ended
  /** The options of requests about the session. */
  readonly #own: RequestOptions
  /** When the session was lost, if it had holds then. */
  #lost: Mark | undefined
  /** Whether the store has answered that the session is ended. */
  #destroyed = false

  constructor(backend: Backend, session: Ended, own: RequestOptions) {
    this.#backend = backend
    this.#clock = own.clock
    this.#session = session
    this.#own = own
  }

  /**
   * Asks once or, with `insists`, until the scope ends. A session that was lost with holds waits for its margin. Rejects as a
   * request does.
   */
  async ask(scope: Scope, insists: boolean): Promise<void> {
    if (this.#destroyed) return
    await this.#untilMarginIsOver(scope)
    await this.#destroy({ ...this.#own, scope, retries: insists ? Infinity : 0 })
  }

  /**
   * The session is lost. If it still lives in the store, ending it saves the other clients the rest of its time to live. Asks
   * in the background until the store answers, for at most twice the time to live: by then every store has ended the session
   * itself. `closing` ends it early.
   */
  lost(hadHolds: boolean, closing: RequestOptions['scope']): void {
    if (hadHolds) this.#lost = this.#clock.mark()
    this.#destroyLost(closing).catch(() => {})
  }

  async #destroyLost(closing: RequestOptions['scope']): Promise<void> {
    const twiceMs = 2 * this.#session.ttlMs
    const scope = new Scope().on(closing).onTimeout(this.#clock, twiceMs, () => 'the store has ended it')
    try {
      await this.#untilMarginIsOver(scope)
      await this.#destroy({ ...this.#own, scope, retries: Infinity })
      this.#destroyed = true
    } finally {
      scope.detach()
    }
  }

  #destroy(request: RequestOptions): Promise<void> {
    const { id } = this.#session
    return persist(request, 'destroySession', (signal) => this.#backend.destroySession(id, signal))
  }

  /**
   * In the margin the last writes of a holder that has just stopped arrive. If requests arrive and only answers are lost,
   * ending the session sooner would let the next holder in while these writes are under way. A store with a lock-delay
   * keeps the next holder out for that time anyway.
   */
  async #untilMarginIsOver(scope: Scope): Promise<void> {
    if (!this.#lost) return
    const { coveredMs, sent } = this.#session
    const coverMs = coveredMs - leastElapsedMs(sent, this.#clock.mark())
    const marginLeftMs = marginMs(coveredMs) - leastElapsedMs(this.#lost, this.#clock.mark())
    const leftMs = Math.min(coverMs, marginLeftMs) - this.#backend.facts.lockDelayMs
    if (leftMs > 0) await pause(this.#clock, leftMs, scope.signal)
  }
}

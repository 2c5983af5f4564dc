// The time limits of the requests of a client. Owns one timer for all of them, and the signals that requests use one after
// another. request.ts sends the requests.

import { getEventListeners } from 'node:events'
import { roomyController } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import { UnavailableError } from '../base/errors.ts'
import type { Ending } from '../base/scope.ts'
import type { Facts } from '../contract.ts'

/**
 * The limits of all requests of a client that are under way. One timer serves them, and stays when its request is answered: a
 * loop of short requests sets no timer for each. It keeps no process alive.
 */
export class Limits {
  readonly #clock: Clock
  readonly #leavesSignals: boolean
  readonly #running = new Set<Limit>()
  /** Limits whose signals no request uses any more: at most as many as were under way at one moment. */
  readonly #spare: Limit[] = []
  #cancel: (() => void) | undefined
  #isClosing = false
  /** When the timer is due, by the monotonic clock. */
  #wakesAtMs = Number.POSITIVE_INFINITY

  /** If a backend `leavesSignals`, the next request may get the signal of one that is over. */
  constructor(clock: Clock, { leavesSignals = false }: Pick<Facts, 'leavesSignals'> = {}) {
    this.#clock = clock
    this.#leavesSignals = leavesSignals
  }

  /**
   * Begins the limit of a request: its signal aborts with the reason of the scope, or with an UnavailableError after `ms`. `end`
   * must follow when the request is over. Costs no timer unless this limit is the first to be over.
   */
  begin(scope: Ending, ms: number): Limit {
    const limit = this.#spare.pop() ?? new Limit()
    limit.begin(scope, ms, this.#clock.mark().monotonicMs + ms)
    this.#running.add(limit)
    this.#wakeBy(limit.dueMs)
    return limit
  }

  /**
   * The request is over. Its signal is used again unless it is aborted, or the backend still listens to it: part of the request
   * goes on then, and no later request may end that.
   */
  end(limit: Limit): void {
    limit.end()
    this.#running.delete(limit)
    if (this.#leavesSignals && limit.isUnused) this.#spare.push(limit)
    this.#endTimer()
  }

  /** The client ends: without a request there is no timer any more. Later requests still have their limits. */
  close(): void {
    this.#isClosing = true
    this.#endTimer()
  }

  #endTimer(): void {
    if (!this.#isClosing || this.#running.size > 0) return
    this.#cancel?.()
    this.#wakesAtMs = Number.POSITIVE_INFINITY
  }

  #wakeBy(dueMs: number): void {
    if (dueMs >= this.#wakesAtMs) return
    this.#cancel?.()
    this.#wakesAtMs = dueMs
    const ms = Math.max(1, dueMs - this.#clock.mark().monotonicMs)
    this.#cancel = this.#clock.after(ms, () => this.#wake(), true)
  }

  #wake(): void {
    this.#wakesAtMs = Number.POSITIVE_INFINITY
    const nowMs = this.#clock.mark().monotonicMs
    for (const limit of [...this.#running]) {
      if (limit.dueMs <= nowMs) limit.expire()
      else this.#wakeBy(limit.dueMs)
    }
  }
}

/** The limit of one request after another. */
export class Limit {
  readonly #controller = roomyController()
  /** When the request has taken too long, by the monotonic clock. */
  dueMs = 0
  #ms = 0
  #forget: (() => void) | undefined
  readonly #abort = (reason: unknown): void => this.#controller.abort(reason)

  /** For the backend: it aborts when the request must end. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether a next request may use the signal. */
  get isUnused(): boolean {
    return !this.signal.aborted && getEventListeners(this.signal, 'abort').length === 0
  }

  /** Aborts the signal at once if the scope has ended. */
  begin(scope: Ending, ms: number, dueMs: number): void {
    this.#ms = ms
    this.dueMs = dueMs
    this.#forget = scope.onEnd(this.#abort)
  }

  /** Nothing aborts the signal after this. */
  end(): void {
    this.#forget?.()
  }

  /** Ends the request as unanswered. */
  expire(): void {
    this.#controller.abort(unanswered(this.#ms))
  }
}

/** The error of a store that has not answered in time. */
export function unanswered(requestMs: number): UnavailableError {
  return new UnavailableError(`the store did not answer within ${Math.round(requestMs)} ms`)
}

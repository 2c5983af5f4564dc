// Joins the causes that can end a request into one. It never invents an error: the code that adds a cause also
// supplies the reason.
import { setMaxListeners } from 'node:events'
import { roomyController } from './abort.ts'
import type { Clock } from './clock.ts'

/** The read-only side of a `Scope`: it ends once, with a reason. */
export interface Ending {
  /** Aborts at the end, with the reason. The AbortSignal is created when this is first read. */
  readonly signal: AbortSignal
  /** Whether it has ended. */
  readonly ended: boolean
  /** Throws the reason if it has ended. */
  throwIfEnded(): void
  /** Calls `tell` once with the reason, at the end or at once if it has ended. Returns a function that unsubscribes. */
  onEnd(tell: (reason: unknown) => void): () => void
}

/**
 * Ends when the first of several causes ends. Joining the causes of one acquire and release with AbortSignal.any costs
 * 83 µs (Node 20, memory store), with AbortControllers and listeners 27 µs, with a Scope 1 µs. So an AbortSignal is
 * created only when code reads `signal`.
 */
export class Scope implements Ending {
  readonly #detachers: (() => void)[] = []
  #listeners: Set<(reason: unknown) => void> | undefined
  #end: { readonly reason: unknown } | undefined
  #controller: AbortController | undefined

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = roomyController()
      if (this.#end) this.#controller.abort(this.#end.reason)
    }
    return this.#controller.signal
  }

  /** Whether it has ended. */
  get ended(): boolean {
    return this.#end !== undefined
  }

  /** Throws the reason if it has ended. */
  throwIfEnded(): void {
    if (this.#end) throw this.#end.reason
  }

  /** Ends it now. Later calls have no effect. */
  end(reason: unknown): void {
    if (this.#end) return
    this.#end = { reason }
    this.#controller?.abort(reason)
    for (const tell of [...(this.#listeners ?? [])]) tell(reason)
  }

  onEnd(tell: (reason: unknown) => void): () => void {
    if (this.#end) tell(this.#end.reason)
    const listeners = (this.#listeners ??= new Set())
    listeners.add(tell)
    return () => listeners.delete(tell)
  }

  /**
   * Ends it when a caller's signal aborts. One signal may end a hundred requests, so `setMaxListeners` keeps Node from
   * warning.
   */
  onSignal(signal: AbortSignal | undefined): this {
    if (!signal) return this
    if (signal.aborted) this.end(signal.reason)
    const pass = (): void => this.end(signal.reason)
    setMaxListeners(0, signal)
    signal.addEventListener('abort', pass, { once: true })
    this.#detachers.push(() => signal.removeEventListener('abort', pass))
    return this
  }

  /** Ends it after `ms`, with the error that `reason` then makes. */
  onTimeout(clock: Clock, ms: number | undefined, reason: () => unknown): this {
    if (ms !== undefined) this.#detachers.push(clock.after(ms, () => this.end(reason())))
    return this
  }

  /** Ends it when no time is left, with the error that `reason` then makes. `leftMs` is asked now, and when what it said is over. */
  onDeadline(clock: Clock, leftMs: () => number, reason: () => unknown): this {
    let cancel = (): void => {}
    const look = (): void => {
      const ms = leftMs()
      if (ms > 0) cancel = clock.after(ms, look)
      else this.end(reason())
    }
    look()
    this.#detachers.push(() => cancel())
    return this
  }

  /** Ends it `ms` after a signal has aborted, with the error that `reason` then makes. */
  onTimeoutAfter(signal: AbortSignal, clock: Clock, ms: number, reason: () => unknown): this {
    const begin = (): void => void this.onTimeout(clock, ms, reason)
    if (signal.aborted) begin()
    else signal.addEventListener('abort', begin, { once: true })
    this.#detachers.push(() => signal.removeEventListener('abort', begin))
    return this
  }

  /** Ends it when one of `others` ends. */
  on(...others: readonly Pick<Ending, 'onEnd'>[]): this {
    for (const other of others) this.#detachers.push(other.onEnd((reason) => this.end(reason)))
    return this
  }

  /** Unsubscribes from every cause. */
  detach(): void {
    for (const leave of this.#detachers) leave()
    this.#detachers.length = 0
  }
}

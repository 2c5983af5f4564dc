// The causes that can end a request, joined into one. It never invents an error: the code that adds a cause also supplies
// the reason of its end.
import { setMaxListeners } from 'node:events'
import type { Clock } from './clock.ts'

/** What ends once, for a reason. */
export interface Ending {
  /** Calls `tell` once with the reason at the end, at once if it has come; returns how to unsubscribe. */
  onEnd(tell: (reason: unknown) => void): () => void
}

/**
 * One end for several causes. Joining the causes of one acquire and release with AbortSignal.any costs 83 µs (Node 20,
 * memory store), with AbortControllers and listeners 27 µs, with a Scope 1 µs. So an AbortSignal is created only when code
 * reads `signal`.
 */
export class Scope {
  #lifts: (() => void)[] | undefined
  #listeners: Set<(reason: unknown) => void> | undefined
  #end: { readonly reason: unknown } | undefined
  #controller: AbortController | undefined

  /** Aborts at the end, with its reason. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#end) this.#controller.abort(this.#end.reason)
    }
    return this.#controller.signal
  }

  /** Whether the end has come. */
  get ended(): boolean {
    return this.#end !== undefined
  }

  /** Throws the reason of the end, if it has come. */
  throwIfEnded(): void {
    if (this.#end) throw this.#end.reason
  }

  /** Ends it now; only the first time counts. */
  end(reason: unknown): void {
    if (this.#end) return
    this.#end = { reason }
    this.#controller?.abort(reason)
    for (const tell of [...(this.#listeners ?? [])]) tell(reason)
  }

  /** Calls `tell` once with the reason at the end, at once if it has come; returns how to unsubscribe. */
  onEnd(tell: (reason: unknown) => void): () => void {
    if (this.#end) tell(this.#end.reason)
    const listeners = (this.#listeners ??= new Set())
    listeners.add(tell)
    return () => listeners.delete(tell)
  }

  /** Ends it when a caller's signal aborts. One signal may serve a hundred requests: without `setMaxListeners` Node warns. */
  onSignal(signal: AbortSignal | undefined): this {
    if (!signal) return this
    if (signal.aborted) this.end(signal.reason)
    const pass = (): void => this.end(signal.reason)
    setMaxListeners(0, signal)
    signal.addEventListener('abort', pass, { once: true })
    return this.#onLift(() => signal.removeEventListener('abort', pass))
  }

  /** Ends it after `ms`, with what `reason` makes then. */
  onTimeout(clock: Clock, ms: number | undefined, reason: () => unknown): this {
    return ms === undefined ? this : this.#onLift(clock.after(ms, () => this.end(reason())))
  }

  /** Ends it `ms` after a signal has aborted, with what `reason` makes then. */
  onTimeoutAfter(signal: AbortSignal, clock: Clock, ms: number, reason: () => unknown): this {
    const begin = (): void => void this.onTimeout(clock, ms, reason)
    if (signal.aborted) begin()
    else signal.addEventListener('abort', begin, { once: true })
    return this.#onLift(() => signal.removeEventListener('abort', begin))
  }

  /** Ends it when something else ends. */
  on(other: Ending): this {
    return this.#onLift(other.onEnd((reason) => this.end(reason)))
  }

  /** Lets go of every cause. */
  lift(): void {
    for (const lift of this.#lifts ?? []) lift()
    this.#lifts = undefined
  }

  #onLift(lift: () => void): this {
    this.#lifts ??= []
    this.#lifts.push(lift)
    return this
  }
}

// What can end a wait, joined into one, and how to stop waiting for a promise. Owns no reason of its own: who sets
// a limit says what its end means.
import { setMaxListeners } from 'node:events'
import type { Clock } from './clock.ts'

/** What ends once, for a reason: a `Scope` for those that only listen to it. */
export interface Ending {
  /** Aborts at the end, with its reason. An AbortSignal is made when this is first read. */
  readonly signal: AbortSignal
  readonly ended: boolean
  /** Throws the reason if the end has come. */
  throwIfEnded(): void
  /** Calls `tell` once with the reason at the end, at once if it has come; returns how to unsubscribe. */
  onEnd(tell: (reason: unknown) => void): () => void
}

/**
 * One end for several causes. Cheaper than AbortSignals all the way down, which only the outermost and
 * the innermost need to be: `signal` makes one when it is first asked for.
 */
export class Scope implements Ending {
  readonly #lifts: (() => void)[] = []
  #listeners: Set<(reason: unknown) => void> | undefined
  #end: { readonly reason: unknown } | undefined
  #controller: AbortController | undefined

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#end) this.#controller.abort(this.#end.reason)
    }
    return this.#controller.signal
  }

  get ended(): boolean {
    return this.#end !== undefined
  }

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

  onEnd(tell: (reason: unknown) => void): () => void {
    if (this.#end) tell(this.#end.reason)
    const listeners = (this.#listeners ??= new Set())
    listeners.add(tell)
    return () => listeners.delete(tell)
  }

  /** Ends it when a caller's signal aborts. A signal may well serve a hundred requests, so Node shall not warn. */
  onSignal(signal: AbortSignal | undefined): this {
    if (!signal) return this
    if (signal.aborted) this.end(signal.reason)
    const pass = (): void => this.end(signal.reason)
    setMaxListeners(0, signal)
    signal.addEventListener('abort', pass, { once: true })
    this.#lifts.push(() => signal.removeEventListener('abort', pass))
    return this
  }

  /** Ends it after `ms`, with what `reason` makes then. */
  onTimeout(clock: Clock, ms: number | undefined, reason: () => unknown): this {
    if (ms !== undefined) this.#lifts.push(clock.after(ms, () => this.end(reason())))
    return this
  }

  /** Ends it when one of these ends. */
  on(...others: readonly Ending[]): this {
    for (const other of others) this.#lifts.push(other.onEnd((reason) => this.end(reason)))
    return this
  }

  /** Lets go of every cause. */
  lift(): void {
    for (const lift of this.#lifts) lift()
    this.#lifts.length = 0
  }
}

/** Settles as `promise` does, or rejects with `signal.reason` as soon as the signal aborts. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

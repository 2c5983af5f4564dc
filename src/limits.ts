// What can end a wait, joined into one AbortSignal, and how to stop waiting for a promise. Owns no reason of its
// own: who sets a limit says what its end means.
import type { Clock } from './clock.ts'

/** One AbortSignal that several causes can fire; `lift` lets go of all of them. */
export class Limits {
  readonly #controller = new AbortController()
  readonly #lifts: (() => void)[] = []
  readonly signal: AbortSignal = this.#controller.signal

  /** Ends it now. */
  end = (reason: unknown): void => this.#controller.abort(reason)

  /** Ends it when another signal aborts, with that signal's reason. */
  onSignal(signal: AbortSignal | undefined): this {
    if (!signal) return this
    if (signal.aborted) this.end(signal.reason)
    const pass = (): void => this.end(signal.reason)
    signal.addEventListener('abort', pass, { once: true })
    this.#lifts.push(() => signal.removeEventListener('abort', pass))
    return this
  }

  /** Ends it after `ms`, with what `reason` makes then. */
  onTimeout(clock: Clock, ms: number | undefined, reason: () => unknown): this {
    if (ms !== undefined) this.#lifts.push(clock.after(ms, () => this.end(reason())))
    return this
  }

  /** Ends it from elsewhere: `subscribe` gets the function to call and returns how to unsubscribe. */
  onEvent(subscribe: (end: (reason: unknown) => void) => () => void): this {
    this.#lifts.push(subscribe(this.end))
    return this
  }

  lift(): void {
    for (const lift of this.#lifts.splice(0)) lift()
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

// Ends a wait early when a signal aborts. Owns the one race between an abort and the awaited result; it knows nothing
// about what is awaited.
import { setMaxListeners } from 'node:events'

/**
 * An AbortController whose signal may end any number of waits: without this, Node 20 warns at the 11th. It is said when the signal is
 * made and not in each wait, where it would cost some microseconds.
 */
export function roomyController(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

/** Settles a promise of `untilAborted`. Only the first call counts. */
export interface Settle<T> {
  resolve(value: T): void
  reject(reason: unknown): void
}

/**
 * Turns callbacks into a promise. `begin` starts the work, passes `settle` to its callbacks, and returns a function
 * that stops the work. The promise settles at the first call of `settle`, or rejects with `signal.reason` when the
 * signal aborts. In both cases the work is stopped exactly once, and no listener stays on the signal. If the signal is
 * already aborted, `begin` is not called. If a hundred waits share a signal, it should be that of a `roomyController`. An error that
 * `begin` throws rejects the promise. Costs one listener on the signal. Node's `events.once` does not fit: it rejects with an
 * AbortError of its own instead of `signal.reason`, and it cannot stop the work.
 */
export function untilAborted<T>(signal: AbortSignal, begin: (settle: Settle<T>) => () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    else new Wait(signal, resolve, reject).begin(begin)
  })
}

/**
 * One wait, which is its own listener. A client may have ten thousand of them, so a closure is made only for a caller that reads
 * `resolve` or `reject`.
 */
class Wait<T> implements Settle<T> {
  readonly #signal: AbortSignal
  readonly #resolve: (value: T) => void
  readonly #reject: (reason: unknown) => void
  #stop: (() => void) | undefined
  #isSettled = false

  constructor(signal: AbortSignal, resolve: (value: T) => void, reject: (reason: unknown) => void) {
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
  }

  begin(work: (settle: Settle<T>) => () => void): void {
    this.#signal.addEventListener('abort', this, { once: true })
    try {
      this.#stop = work(this)
    } catch (error) {
      this.#fail(error)
    }
    if (this.#isSettled) this.#stop?.() // settled while `work` ran: until now there was nothing to stop
  }

  /** The signal aborts. */
  handleEvent(): void {
    this.#fail(this.#signal.reason)
  }

  get resolve(): (value: T) => void {
    return (value) => {
      if (this.#isFirst()) this.#resolve(value)
    }
  }

  get reject(): (reason: unknown) => void {
    return (reason) => this.#fail(reason)
  }

  #fail(reason: unknown): void {
    if (this.#isFirst()) this.#reject(reason)
  }

  /** Whether nothing has settled it before. Stops the work. */
  #isFirst(): boolean {
    if (this.#isSettled) return false
    this.#isSettled = true
    this.#signal.removeEventListener('abort', this)
    this.#stop?.()
    return true
  }
}

/** Settles as `promise` does, or rejects with `signal.reason` as soon as the signal aborts. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {}
  const aborted = untilAborted<never>(signal, ({ reject }) => {
    stop = () => reject(undefined)
    return () => {}
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    stop()
  }
}

// The AbortSignals that callers give to the acquires, campaigns, observers and cron guards of one client. Owns that a signal gets
// one listener, however many of them share it. scope.ts joins it with the other causes that can end a call, and listens by itself
// for short questions such as `verify`.
import { setMaxListeners } from 'node:events'
import type { Ending } from './scope.ts'

/**
 * Remembers a client's signals as long as somebody else does. Node walks the list of a signal's listeners whenever one is added or
 * removed: twenty thousand calls that shared one signal took 2.9 s of processor time, each with a listener of its own, and take 0.7.
 */
export class Signals {
  readonly #shared = new WeakMap<AbortSignal, SharedSignal>()

  /** Reports the abort of this signal. Costs one listener on the signal while any call listens, and none otherwise. */
  of(signal: AbortSignal): Pick<Ending, 'onEnd'> {
    const known = this.#shared.get(signal)
    if (known) return known
    const shared = new SharedSignal(signal)
    this.#shared.set(signal, shared)
    return shared
  }
}

class SharedSignal implements Pick<Ending, 'onEnd'> {
  readonly #signal: AbortSignal
  readonly #listeners = new Set<(reason: unknown) => void>()

  constructor(signal: AbortSignal) {
    setMaxListeners(0, signal) // one signal may end the calls of many clients, and Node 20 warns at the 11th listener
    this.#signal = signal
  }

  onEnd(tell: (reason: unknown) => void): () => void {
    if (this.#signal.aborted) tell(this.#signal.reason)
    else this.#add(tell)
    return () => this.#remove(tell)
  }

  /** The signal aborts. */
  handleEvent(): void {
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const tell of listeners) tell(this.#signal.reason)
  }

  #add(tell: (reason: unknown) => void): void {
    if (this.#listeners.size === 0) this.#signal.addEventListener('abort', this, { once: true })
    this.#listeners.add(tell)
  }

  #remove(tell: (reason: unknown) => void): void {
    if (this.#listeners.delete(tell) && this.#listeners.size === 0)
      this.#signal.removeEventListener('abort', this)
  }
}

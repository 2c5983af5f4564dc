// Signals whose `aborted` is right even if no timer could run, since it is computed when read. hold.ts decides when a
// signal aborts.
import { setMaxListeners } from 'node:events'

const aborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get

/** Makes `aborted` and `throwIfAborted` of a signal call `look` first, which aborts the signal if that is due. */
export function computed(signal: AbortSignal, look: () => void): AbortSignal {
  setMaxListeners(0, signal) // callers hand this signal to many functions, each of which adds a listener
  Object.defineProperty(signal, 'aborted', {
    get: () => {
      look()
      return aborted?.call(signal)
    },
  })
  Object.defineProperty(signal, 'throwIfAborted', {
    value: () => {
      if (signal.aborted) throw signal.reason
    },
  })
  return signal
}

/**
 * One signal that aborts when any of these does. `aborted` of `AbortSignal.any` alone is not computed: it stays false
 * until a timer has run.
 */
export function anyComputed(signals: readonly AbortSignal[]): AbortSignal {
  return computed(AbortSignal.any([...signals]), () => signals.some((signal) => signal.aborted))
}

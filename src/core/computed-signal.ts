// Signals whose `aborted` is right although no timer could run. Owns how that is done; hold.ts knows when a signal aborts.
import { setMaxListeners } from 'node:events'

const aborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get

/** Lets `aborted` and `throwIfAborted` of a signal look first: `look` aborts the signal if it is time to. */
export function computed(signal: AbortSignal, look: () => void): AbortSignal {
  setMaxListeners(0, signal) // it is there to be handed to everything
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
 * One signal that aborts when any of these does. `AbortSignal.any` alone would lose what is computed: its `aborted` is false
 * until a timer has run.
 */
export function anyComputed(signals: readonly AbortSignal[]): AbortSignal {
  return computed(AbortSignal.any([...signals]), () => signals.some((signal) => signal.aborted))
}

// How a claim learns that its answer has changed: by a watch that begins with the present. Owns the gap between the
// answer and the beginning of the watch, and when events alone prove that the claim holds.
import type { Attempt } from '../../contract.ts'
import type { Line } from './line.ts'
import type { KeyRange, Transport, WatchListener } from './wire/transport.ts'

/** A claim that waits, as the watch needs to know it. */
export interface Waiter {
  readonly transport: Transport
  /** The claim's own key. */
  readonly key: string
  readonly permits: number
  /** The answer that is to change. */
  readonly line: Line
  readonly watch: { readonly range: KeyRange; readonly proves: boolean }
  /** Reads the line again; undefined when the claim no longer stands. */
  look(signal: AbortSignal): Promise<Line | undefined>
  /** The answer that an event at this revision proves. */
  admitted(revision: bigint): Attempt
}

/** Resolves with the proven answer, or with undefined when it is time to ask. Rejects only with `signal.reason`. */
export function untilChanged(waiter: Waiter, signal: AbortSignal): Promise<Attempt | undefined> {
  const { transport, key, permits, line, watch } = waiter
  return watchUntil<Attempt | undefined>(transport, watch.range, signal, (settle) => {
    const ahead = new Set(line.ahead.map((place) => place.key))
    let gapless = false
    return {
      async created(revision) {
        gapless = revision <= line.revision || (await isUnchanged(waiter, ahead, signal))
        if (!gapless) settle(undefined)
      },
      deleted(deletions) {
        // A member that lags begins its watch in the past: what it tells of then is in the answer already.
        const fresh = deletions.filter((deletion) => deletion.revision > line.revision)
        const relevant = fresh.filter((deletion) => ahead.delete(deletion.key) || deletion.key === key)
        // Deletions come in order, and the own key is in the same watch: if it is not among them, it stands.
        const proves = gapless && watch.proves && relevant.every((deletion) => deletion.key !== key)
        const last = relevant.at(-1)
        if (!last || (proves && ahead.size >= permits)) return
        settle(proves ? waiter.admitted(last.revision) : undefined)
      },
      failed: () => settle(undefined),
    }
  })
}

/** Resolves when the key is deleted or can no longer be watched. Rejects only with `signal.reason`. */
export function untilDeleted(transport: Transport, key: string, signal: AbortSignal): Promise<undefined> {
  return watchUntil<undefined>(transport, { key }, signal, (settle) => {
    const gone = (): void => settle(undefined)
    return { created: () => {}, deleted: gone, failed: gone }
  })
}

/** Watches until the listener settles, which ends the watch; rejects only with `signal.reason`. */
export function watchUntil<T>(
  transport: Transport,
  range: KeyRange,
  signal: AbortSignal,
  listen: (settle: (value: T) => void) => WatchListener,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      stop()
      signal.removeEventListener('abort', aborted)
    }
    const aborted = (): void => {
      end()
      reject(signal.reason)
    }
    const settle = (value: T): void => {
      end()
      resolve(value)
    }
    const stop = transport.watch(range, listen(settle))
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) aborted()
  })
}

/** Whether all still stand that stood when the answer was given: nothing happened before the watch began. */
async function isUnchanged(
  waiter: Waiter,
  ahead: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const now = await waiter.look(signal)
    return now !== undefined && [...ahead].every((key) => now.ahead.some((place) => place.key === key))
  } catch {
    return false
  }
}

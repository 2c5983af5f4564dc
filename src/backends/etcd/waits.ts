// How a claim learns that its answer has changed: by a watch that begins now. Owns the gap between the answer and the
// beginning of the watch, and when events alone prove that the claim holds.
import { type Line, whatToWatch } from './line.ts'
import type { KeyRange, Transport, WatchListener } from './wire/transport.ts'

/** A claim in line, as one answer showed it. */
export interface Queued {
  readonly key: string
  readonly permits: number
  readonly range: KeyRange
  readonly line: Line
  /** Whether events can prove that the claim holds. They do not if the lock-delay of a claim ahead may follow. */
  readonly proven: boolean
}

/**
 * Resolves with the revision of the event that proves that the claim holds, or with undefined when it is time to ask.
 * `reread` reads the line again, and resolves with undefined if the claim no longer stands. Rejects only with
 * `signal.reason`.
 */
export function untilAdmitted(
  transport: Transport,
  { key, permits, range, line, proven }: Queued,
  reread: () => Promise<Line | undefined>,
  signal: AbortSignal,
): Promise<bigint | undefined> {
  const watch = whatToWatch(line, { key, permits, line: range })
  return watchUntil<bigint | undefined>(transport, watch.range, signal, (settle) => {
    const ahead = new Set(line.ahead.map((place) => place.key))
    let gapless = false
    return {
      async created(revision) {
        gapless = revision <= line.revision || (await allStand(ahead, reread))
        if (!gapless) settle(undefined)
      },
      deleted(deletions) {
        // A lagging member may replay old events. The answer already has those up to its own revision.
        const fresh = deletions.filter((deletion) => deletion.revision > line.revision)
        const relevant = fresh.filter((deletion) => ahead.delete(deletion.key) || deletion.key === key)
        // Deletions come in order, and the watch covers the own key: if no event deletes it, it stands.
        const proves = proven && gapless && watch.proves && relevant.every((deletion) => deletion.key !== key)
        const last = relevant.at(-1)
        if (!last || (proves && ahead.size >= permits)) return
        settle(proves ? last.revision : undefined)
      },
      failed: () => settle(undefined),
    }
  })
}

/** Whether the claim and all claims ahead still stand: then no key was deleted between the answer and the watch. */
async function allStand(
  ahead: ReadonlySet<string>,
  reread: () => Promise<Line | undefined>,
): Promise<boolean> {
  try {
    const now = await reread()
    return now !== undefined && [...ahead].every((key) => now.ahead.some((place) => place.key === key))
  } catch {
    return false
  }
}

/** Resolves when the key is deleted or can no longer be watched. Rejects only with `signal.reason`. */
export function untilDeleted(transport: Transport, key: string, signal: AbortSignal): Promise<undefined> {
  return watchUntil<undefined>(transport, { key }, signal, (settle) => {
    const gone = (): void => settle(undefined)
    return { created: () => {}, deleted: gone, failed: gone }
  })
}

/** Watches until the listener settles, then ends the watch. Rejects only with `signal.reason`. */
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

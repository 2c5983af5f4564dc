// How a claim learns that its answer has changed: by a watch that begins now. Owns the gap between the answer and the
// beginning of the watch, and when events alone prove that the claim holds.

import { type Settle, untilAborted } from '../../base/abort.ts'
import { fits, type Sized, weigh } from '../shared/room.ts'
import { type Line, whatToWatch } from './line.ts'
import type { Change, KeyRange, Transport, WatchListener } from './wire/transport.ts'

/** A claim in line, as one answer showed it. */
export interface Queued extends Sized {
  readonly key: string
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
  { range, line, proven, ...own }: Queued,
  reread: () => Promise<Line | undefined>,
  signal: AbortSignal,
): Promise<bigint | undefined> {
  const watch = whatToWatch(line, { ...own, line: range })
  const isOwn = ({ key }: Change): boolean => key === own.key || isPartOf(own, key)
  return watchUntil<bigint | undefined>(transport, watch.range, signal, (settle) => {
    const ahead = new Ahead(line)
    let gapless = false
    return {
      async created(revision) {
        gapless = revision <= line.revision || (await allStand(ahead.keys, reread))
        if (!gapless) settle(undefined)
      },
      deleted(deletions) {
        // A lagging member may replay old events. The answer already has those up to its own revision.
        const fresh = deletions.filter((deletion) => deletion.revision > line.revision)
        const relevant = fresh.filter((deletion) => ahead.leaves(deletion) || isOwn(deletion))
        // Deletions come in order, and the watch covers our own key: if no event deletes it, it stands.
        const proves = proven && gapless && watch.proves && !relevant.some(isOwn)
        const last = relevant.at(-1)
        if (!last || (proves && !fits(own, ahead.taken))) return
        settle(proves ? last.revision : undefined)
      },
      failed: () => settle(undefined),
    }
  })
}

function isPartOf({ key, weight }: Pick<Queued, 'key' | 'weight'>, part: string): boolean {
  return weight > 1 && part.startsWith(`${key}.`)
}

/** The keys ahead of a claim that still stand, as far as events tell. */
class Ahead {
  /** How many permits they take. */
  taken: number
  readonly #weights: Map<string, number>

  constructor({ ahead }: Line) {
    this.#weights = new Map(ahead.map(({ key, weight }) => [key, weight]))
    this.taken = weigh(ahead)
  }

  get keys(): string[] {
    return [...this.#weights.keys()]
  }

  /** Whether the deleted key stood ahead. */
  leaves({ key }: Change): boolean {
    this.taken -= this.#weights.get(key) ?? 0
    return this.#weights.delete(key)
  }
}

/** Whether the claim and all claims ahead still stand: then no key was deleted between the answer and the watch. */
async function allStand(ahead: readonly string[], reread: () => Promise<Line | undefined>): Promise<boolean> {
  try {
    const now = await reread()
    return now !== undefined && ahead.every((key) => now.ahead.some((place) => place.key === key))
  } catch {
    return false
  }
}

/** Resolves when a key of the range is deleted or the range can no longer be watched. Rejects only with `signal.reason`. */
export function untilDeleted(transport: Transport, own: KeyRange, signal: AbortSignal): Promise<undefined> {
  return untilAborted<undefined>(signal, (settle) => transport.watch(own, new Deletion(settle)))
}

/** Settles when a key is deleted. One object, since a client may have ten thousand holds. */
class Deletion implements WatchListener {
  readonly #settle: Settle<undefined>

  constructor(settle: Settle<undefined>) {
    this.#settle = settle
  }

  created(): void {}

  deleted(): void {
    this.#settle.resolve(undefined)
  }

  failed(): void {
    this.#settle.resolve(undefined)
  }
}

/** Watches until the listener settles, then ends the watch. Rejects only with `signal.reason`. */
export function watchUntil<T>(
  transport: Transport,
  range: KeyRange,
  signal: AbortSignal,
  listen: (settle: (value: T) => void) => WatchListener,
): Promise<T> {
  return untilAborted(signal, ({ resolve }) => transport.watch(range, listen(resolve)))
}

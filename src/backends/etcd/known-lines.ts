// The lines that one client watches as a whole. Owns that a line is known for as long as its watch lasts. known-line.ts has one line, and
// lines.ts reads with it.
import type { Clock } from '../../base/clock.ts'
import { KnownLine } from './known-line.ts'
import { withWatch } from './shared-watches.ts'
import type { KeyRange, Transport, WatchListener } from './wire/transport.ts'

/** The known lines of one client. */
export class KnownLines {
  readonly #clock: Clock
  readonly #lines = new Map<string, KnownLine>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The line of this range, if it is watched. */
  of({ key }: KeyRange): KnownLine | undefined {
    return this.#lines.get(key)
  }

  /** The same transport, of whose watches of whole lines this object learns. */
  watching(transport: Transport): Transport {
    return withWatch(transport, (range, listener) =>
      isLine(range) && !listener.written
        ? this.#watch(transport, range, listener)
        : transport.watch(range, listener),
    )
  }

  #watch(transport: Transport, { key, end }: KeyRange, listener: WatchListener): () => void {
    const line = new KnownLine(this.#clock)
    this.#lines.set(key, line)
    const forget = (): void => {
      if (this.#lines.get(key) === line) this.#lines.delete(key)
    }
    const stop = transport.watch({ key, end }, alsoTo(line, forget, listener))
    return () => {
      forget()
      stop()
    }
  }
}

/** A listener that first tells the line of each event, and `failed` when the watch has failed. */
function alsoTo(line: KnownLine, failed: () => void, listener: WatchListener): WatchListener {
  return {
    created(revision) {
      line.created(revision)
      listener.created(revision)
    },
    deleted(changes) {
      line.deleted(changes)
      listener.deleted(changes)
    },
    failed() {
      failed()
      listener.failed()
    },
  }
}

/** Whether the range is that of a line: see `Layout.line`. */
function isLine({ key, end }: KeyRange): boolean {
  return key.endsWith('/') && end === `${key.slice(0, -1)}0`
}

// The tombstones of withdrawn claims whose attempts may still arrive. Owns how long they are kept;
// the claims of each store write them.
import { type Clock, leastElapsedMs, type Mark } from '../../base/clock.ts'

/** How long a tombstone is kept. No connection delays a request for so long. */
const keptMs = 600_000
/** How many are removed at a time: a transaction of Consul takes 64 operations, one of etcd 128. */
const removedMost = 60

/** Removes keys in one request, whether or not they exist. */
type Remove = (keys: readonly string[], signal: AbortSignal) => Promise<unknown>

/** The tombstones of one client, the oldest first: no more than the attempts of ten minutes that got no answer. */
export class Tombstones {
  readonly #remove: Remove
  readonly #clock: Clock
  readonly #kept = new Map<string, Mark>()

  constructor(clock: Clock, remove: Remove) {
    this.#remove = remove
    this.#clock = clock
  }

  /** Remembers a tombstone that was written just now. */
  note(key: string): void {
    this.#kept.set(key, this.#clock.mark())
  }

  /** Removes the tombstones that are older than ten minutes. Sends nothing if there are none. Rejects as a request does. */
  async tidy(signal: AbortSignal): Promise<void> {
    const now = this.#clock.mark()
    const old = [...this.#kept]
      .filter(([, since]) => leastElapsedMs(since, now) > keptMs)
      .slice(0, removedMost)
    if (old.length === 0) return
    const keys = old.map(([key]) => key)
    await this.#remove(keys, signal)
    for (const key of keys) this.#kept.delete(key)
  }
}

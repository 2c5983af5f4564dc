// The blocking reads of one wait, one after the other. Owns from which index the next one reads, and the pause before it, by the rules
// of Consul's indexes. waits.ts and hold-watch.ts read.
import { type Clock, leastElapsedMs, type Mark } from '../../base/clock.ts'
import type { Snapshot } from './wire/transport.ts'

/** If reads return sooner than this and without news, the next one is spaced. */
const tooSoonMs = 50
/**
 * The pause before a read that is spaced. Others that come and go change the index without news for this wait, so it is
 * short: during it, clients without a line take what has become free. For many keys, which cost time to read, and for
 * answers without any change, it is longer.
 */
const spaceMs = { least: 2, perKey: 0.05, most: 50 } as const

/** The reads of one wait. */
export class Series {
  readonly #clock: Clock
  readonly #since: Mark
  #begun: Mark
  #vain = 0
  /** The index from which the next one reads. */
  index: number

  /** `index` is that of the last answer, which had no news. */
  constructor(clock: Clock, index: number) {
    this.#clock = clock
    this.#since = clock.mark()
    this.#begun = this.#since
    this.index = index
  }

  /** Call it before each read. Returns how long the wait has lasted, in ms. */
  begin(): number {
    this.#begun = this.#clock.mark()
    return leastElapsedMs(this.#since, this.#begun)
  }

  /** Notes an answer without news. Returns the pause before the next read, in ms. */
  pauseAfter(snapshot: Snapshot): number {
    const isSoon = leastElapsedMs(this.#begun, this.#clock.mark()) < tooSoonMs
    this.#vain = isSoon ? this.#vain + 1 : 0
    const spacedMs = snapshot.index === this.index ? spaceMs.most : spaceOf(snapshot)
    // A smaller index means that the store was restored: its new indexes cannot be compared with the old ones.
    this.index = snapshot.index < this.index ? 0 : snapshot.index
    return this.#vain > 1 ? spacedMs : 0
  }
}

/** The pause after this answer, which had no news. */
function spaceOf({ entries }: Snapshot): number {
  const { least, perKey, most } = spaceMs
  return Math.min(most, Math.max(least, perKey * entries.length))
}

// @ts-check
// Random choices from a seed, for the plan of a run and for each worker.

/** Draws numbers from a seed; the same seed draws the same numbers. */
export class Draw {
  #state

  /** @param {number} seed */
  constructor(seed) {
    this.#state = seed >>> 0
  }

  /** From 0 to 1, without 1. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  /** @param {number} least @param {number} most */
  between(least, most) {
    return least + this.next() * (most - least)
  }

  /** @template T @param {readonly T[]} list @returns {T} */
  of(list) {
    if (list.length === 0) throw new RangeError('nothing to draw from')
    return /** @type {T} */ (list[Math.floor(this.next() * list.length)])
  }

  /** The same items in another order. @template T @param {readonly T[]} list @returns {T[]} */
  shuffled(list) {
    return list
      .map((item) => ({ item, rank: this.next() }))
      .sort((one, other) => one.rank - other.rank)
      .map(({ item }) => item)
  }
}

/** The clock that all processes of a machine share, in ms: Node reads CLOCK_MONOTONIC. */
export const now = () => Number(process.hrtime.bigint() / 1_000n) / 1_000

// Repeatable randomness: streams of numbers from a seed. Each purpose has its own stream. So if one fault or one process
// is removed from a run, everything else still draws the same numbers.

/** A stream of numbers that depends only on its seed. */
export class Random {
  #state: number

  /**
   * The same seed and texts, in the same order, give the same stream. Uses integers only, since all engines agree on
   * them.
   */
  constructor(seed: number, ...purpose: readonly string[]) {
    let hash = (seed ^ 0x9e3779b9) >>> 0
    for (const text of purpose) {
      for (let index = 0; index < text.length; index += 1) {
        hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0
      }
      hash = mixed(hash + 0x6d2b79f5)
    }
    this.#state = hash
  }

  /** A whole number in [0, 2^32). */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    return mixed(this.#state)
  }

  /** A number in [0, 1). */
  fraction(): number {
    return this.#next() / 2 ** 32
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1))
  }

  /** True in `chance` of a hundred cases. */
  percent(chance: number): boolean {
    return this.fraction() * 100 < chance
  }

  /** A positive whole number of 63 bits. */
  id(): bigint {
    const wide = (BigInt(this.#next()) << 32n) | BigInt(this.#next())
    return BigInt.asUintN(63, wide) || 1n
  }
}

/** splitmix32: https://doi.org/10.1145/2714064.2660195 */
function mixed(value: number): number {
  let mix = value >>> 0
  mix = Math.imul(mix ^ (mix >>> 16), 0x21f0aaad)
  mix = Math.imul(mix ^ (mix >>> 15), 0x735a2d97)
  return (mix ^ (mix >>> 15)) >>> 0
}

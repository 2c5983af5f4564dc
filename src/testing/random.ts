// Chance that repeats: streams of numbers from a seed. Each purpose has a stream of its own, so that taking one fault
// out of a run, or one process, leaves the draws of all others as they were.

/** A stream of numbers that depends on its seed and on nothing else. */
export class Random {
  #state: number

  /** The same texts, in the same order, give the same stream. Only integers are used: every engine agrees on those. */
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

  /** True in so many of a hundred cases. */
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

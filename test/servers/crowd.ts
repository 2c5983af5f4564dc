// A crowd of holders in one process. Owns the room that counts them, and chance that is the same in every run.
import { expect } from 'vitest'
import type { Hold } from '../../src/index.ts'

/** Counts how many holders are inside at once, and notes their tokens and their order. */
export class Room {
  readonly tokens: bigint[] = []
  readonly order: number[] = []
  #inside = 0
  #most = 0

  async visit(hold: Hold, place: number, stay: () => Promise<unknown> = async () => {}): Promise<void> {
    this.#inside += 1
    this.#most = Math.max(this.#most, this.#inside)
    this.tokens.push(hold.token)
    this.order.push(place)
    await stay()
    expect(hold.held).toBe(true)
    this.#inside -= 1
    await hold.release()
  }

  get most(): number {
    return this.#most
  }
}

/** The tokens in the order that they must have, each once. */
export const growing = (tokens: readonly bigint[]): bigint[] =>
  [...new Set(tokens)].sort((one, other) => (one < other ? -1 : 1))

/** A generator of chance that gives the same every time: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

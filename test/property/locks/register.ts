// The invariant of checkpoints: a reader never gets a checkpoint older than one whose write was confirmed. Only for a
// mutex, whose holders write one after the other. Owns the texts: numbers that grow.
import type { Hold } from '../../../src/api/hold.ts'
import type { Invariant } from '../invariants.ts'

/** A lock whose checkpoint can be read. */
interface Readable {
  readonly name: string
  readCheckpoint(): Promise<string | undefined>
}

/** The checkpoints of one run. */
export class Register {
  readonly #complain: (invariant: Invariant, what: string) => void
  readonly #written = new Map<string, number>()
  #texts = 0
  /** How often a program wrote or read one. */
  calls = 0

  constructor(complain: (invariant: Invariant, what: string) => void) {
    this.#complain = complain
  }

  async write(hold: Hold): Promise<void> {
    this.calls += 1
    this.#texts += 1
    const text = this.#texts
    await hold.checkpoint(String(text))
    this.#written.set(hold.name, Math.max(text, this.#written.get(hold.name) ?? 0))
  }

  async read(lock: Readable): Promise<void> {
    this.calls += 1
    const written = this.#written.get(lock.name) ?? 0
    const found = Number((await lock.readCheckpoint()) ?? 0)
    if (found < written)
      this.#complain('fresh-checkpoint', `the checkpoint of ${lock.name} was ${found} after ${written}`)
  }
}

// Releases of a name: moments at which many events come together, so jobs begin and end there. Owns how jobs learn of
// a release, at once and without the store.
import type { Clock } from '../../../src/base/clock.ts'

/** How long a job waits for a release before it begins anyway. */
const soonMs = 3_000

/** The releases of one run. */
export class Releases {
  readonly #listeners = new Map<string, Set<() => void>>()

  /** A program has just called `release`. */
  tell(name: string): void {
    const listeners = [...(this.#listeners.get(name) ?? [])]
    this.#listeners.delete(name)
    for (const tell of listeners) tell()
  }

  /** Calls `tell` at the next release, once. The returned function cancels. */
  on(name: string, tell: () => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(tell))
    return () => listeners.delete(tell)
  }

  /** Resolves soon after the next release of this name, or if none comes for a while. */
  next(name: string, process: Clock): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.on(name, () => done())
      const forget = process.after(soonMs, () => done())
      const done = (): void => {
        cancel()
        forget()
        process.after(0, resolve)
      }
    })
  }
}

// When somebody releases a name: a moment at which much happens at once, and at which others shall come and go. Owns that
// they hear of it, out of band and at once.
import type { Clock } from '../../../src/base/clock.ts'

/** How long a job waits for somebody to release before it begins all the same. */
const soonMs = 3_000

/** The releases of one run. */
export class Releases {
  readonly #listeners = new Map<string, Set<() => void>>()

  /** Somebody has just called `release`. */
  tell(name: string): void {
    const listeners = [...(this.#listeners.get(name) ?? [])]
    this.#listeners.delete(name)
    for (const tell of listeners) tell()
  }

  /** Tells of the next release, once; the function returned cancels. */
  on(name: string, tell: () => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(tell))
    return () => listeners.delete(tell)
  }

  /** Resolves soon after the next release of this name, or when there was none for a while. */
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

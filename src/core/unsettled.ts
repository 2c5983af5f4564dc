// Remembers promises that `close` has to wait for. Owns that each is forgotten once it has settled.

/** The promises of one kind that are not settled yet. */
export class Unsettled {
  readonly #promises = new Set<Promise<unknown>>()

  /** Remembers a promise until it settles, and returns it. */
  note<T>(promise: Promise<T>): Promise<T> {
    const forget = (): void => void this.#promises.delete(promise)
    this.#promises.add(promise)
    promise.then(forget, forget)
    return promise
  }

  /** Resolves when every promise that is unsettled now has settled. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#promises)
  }
}

// What is under way and has to be waited for before a client is closed. Owns nothing but that.

/** Promises that are not settled yet. */
export class Underway {
  readonly #promises = new Set<Promise<unknown>>()

  /** Remembers a promise until it is settled, and returns it. */
  note<T>(promise: Promise<T>): Promise<T> {
    const forget = (): void => void this.#promises.delete(promise)
    this.#promises.add(promise)
    promise.then(forget, forget)
    return promise
  }

  /** Resolves when all that is under way now is settled, one way or the other. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#promises)
  }
}

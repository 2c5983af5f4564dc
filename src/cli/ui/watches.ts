// Watches the holders of some names, so that a change is seen at once and not at the next look. Watches are hints: without
// them each change is seen, only later.

import type { Leasehold } from '../../api/leasehold.ts'
import { roomyController } from '../../base/abort.ts'
import type { NameView } from './ui-messages.ts'

/** The most names that are watched. Each watch costs a stream of etcd or a blocking read of Consul. */
const watchesMost = 32

/** The watches of one server. */
export class Watches {
  readonly #client: Leasehold
  readonly #changed: () => void
  readonly #watched = new Map<string, AbortController>()

  /** `changed` is called after each change of a holder. */
  constructor(client: Leasehold, changed: () => void) {
    this.#client = client
    this.#changed = changed
  }

  /** Watches the first of these names that have one holder at most, and ends the watches of names that are gone. */
  follow(names: Iterable<NameView>): void {
    const single = new Set<string>()
    for (const { name, kind } of names) if (kind === 'mutex' || kind === 'election') single.add(name)
    for (const name of this.#watched.keys()) if (!single.has(name)) this.#leave(name)
    for (const name of single) {
      if (this.#watched.size >= watchesMost) return
      if (!this.#watched.has(name)) void this.#watch(name)
    }
  }

  /** Ends all watches. */
  end(): void {
    for (const name of this.#watched.keys()) this.#leave(name)
  }

  #leave(name: string): void {
    this.#watched.get(name)?.abort()
    this.#watched.delete(name)
  }

  async #watch(name: string): Promise<void> {
    const ending = roomyController()
    this.#watched.set(name, ending)
    let isFirst = true
    try {
      const leaders = this.#client.election(name).observe({ signal: ending.signal, onError: () => {} })
      for await (const _ of leaders) {
        if (!isFirst) this.#changed()
        isFirst = false
      }
    } catch {
      // It ended, or the store refused it. It is not begun again until the name was gone: the looks go on without it.
    }
  }
}

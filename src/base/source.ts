// How a store is opened: types only. src/contract.ts exports the type for a backend.
import type { Clock } from './clock.ts'

/** The place of a store and how to reach it. `B` is its backend. */
export interface Source<B> {
  /** The store's URL for people to read, without secrets. */
  readonly url: string
  /** Loads the client library and opens the store. `ttlMs` is the time to live that the caller asked for. */
  open(clock: Clock, ttlMs?: number): Promise<B>
}

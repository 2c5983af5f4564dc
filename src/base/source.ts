// How a store is opened: types only. src/contract.ts exports the type for a backend.
import type { Clock } from './clock.ts'
import type { Examination, ExamineOptions } from './finding.ts'

/** The place of a store and how to reach it. `B` is its backend. */
export interface Source<B> {
  /** The store's URL for people to read, without secrets. */
  readonly url: string
  /** Loads the client library and opens the store. `ttlMs` is the time to live that the caller asked for. */
  open(clock: Clock, ttlMs?: number): Promise<B>
  /**
   * Looks at everything between this process and the store for `leasehold doctor`, and at the store itself. It changes nothing
   * in the store, also if the process is killed meanwhile. It resolves within some seconds, also if no server answers, and
   * rejects only with the reason of the signal. A store without servers of its own may leave it out.
   */
  examine?(options: ExamineOptions): Promise<Examination>
}

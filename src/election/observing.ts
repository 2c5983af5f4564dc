// The observation that a caller iterates. Ensures that the caller can leave it at any moment, and owns the age of its
// knowledge. sight.ts yields the leaders.
import type { Observing, SeenLeader } from '../api/election.ts'
import { type Clock, mostElapsedMs } from '../base/clock.ts'
import type { Scope } from '../base/scope.ts'
import { requestMs } from '../core/lifetime.ts'
import type { Sent } from './sights.ts'

type Step = IteratorResult<SeenLeader | undefined, never>

/** The reason that ends an observation when its caller leaves it. */
const left = Symbol('left')
const done = { done: true, value: undefined } as unknown as Step

/** Observes while it is iterated: see Observing for its promises. */
export class ObservingLoop implements Observing {
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #loop: AsyncGenerator<SeenLeader | undefined, never, void>
  #scope: Scope | undefined
  #sent: Sent | undefined

  /**
   * `begin` makes the loop. At its start the loop calls `open` with its scope, and it notes when each question was sent that
   * is answered.
   */
  constructor(
    { clock, ttlMs }: { readonly clock: Clock; readonly ttlMs: number },
    begin: (observing: ObservingLoop) => AsyncGenerator<SeenLeader | undefined, never, void>,
  ) {
    this.#clock = clock
    this.#ttlMs = ttlMs
    this.#loop = begin(this)
  }

  get asOfMs(): number | undefined {
    return this.#sent?.wallMs
  }

  get stale(): boolean {
    if (!this.#sent) return true
    return mostElapsedMs(this.#sent.mark, this.#clock.mark()) > this.#ttlMs + requestMs(this.#ttlMs)
  }

  /** Called by the loop at its start. The end of `scope` ends the loop. */
  open(scope: Scope): void {
    this.#scope = scope
  }

  /** Remembers when the question was sent that is answered now. */
  noted(sent: Sent): void {
    if (sent.order > (this.#sent?.order ?? 0)) this.#sent = sent
  }

  async next(): Promise<Step> {
    try {
      return await this.#loop.next()
    } catch (error) {
      if (error === left) return done
      throw error
    }
  }

  async return(): Promise<Step> {
    this.#scope?.end(left) // a generator alone would first finish the step that is under way
    await this.#loop.return(undefined as never)
    return done
  }

  async throw(error: unknown): Promise<Step> {
    await this.return()
    throw error
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

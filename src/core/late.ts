// The line of a name, for the error of a caller that ran out of time. Many callers of one client may run out of time at the
// same moment: their errors share one answer. The answer is for people, so it may be a little older than the error.
import { type Clock, leastElapsedMs, type Mark } from '../base/clock.ts'
import { type Ending, Scope } from '../base/scope.ts'
import type { Backend, Standing } from '../contract.ts'
import { type Origin, told } from './events.ts'

/** How long an error waits for the line, in ms. */
const mostMs = 500
/** For how long, in ms, an answer serves other errors. Timers of one moment are called one after another. */
const servesMs = 100

/** The client that asks. */
interface Asker {
  readonly clock: Clock
  readonly origin: Origin
}

interface Read {
  readonly sent: Mark
  readonly line: Promise<readonly Standing[]>
}

/** The questions of one client, at most ten a second for each name. */
export class LateReads {
  readonly #backend: Backend
  readonly #clock: Clock
  readonly #origin: Origin
  readonly #closing: Ending
  /** In the order in which they were sent. Old ones go when the next question is sent. */
  readonly #reads = new Map<string, Read>()

  constructor(backend: Backend, { clock, origin }: Asker, closing: Ending) {
    this.#backend = backend
    this.#origin = origin
    this.#clock = clock
    this.#closing = closing
  }

  /** The claims on a name; empty if the store does not answer in time. Never rejects. */
  line(name: string): Promise<readonly Standing[]> {
    const sent = this.#clock.mark()
    for (const [other, read] of this.#reads) {
      if (leastElapsedMs(read.sent, sent) < servesMs) break
      this.#reads.delete(other)
    }
    const known = this.#reads.get(name)
    if (known) return known.line
    const line = this.#read(name)
    this.#reads.set(name, { sent, line })
    return line
  }

  async #read(name: string): Promise<readonly Standing[]> {
    const scope = new Scope().on(this.#closing).onTimeout(this.#clock, mostMs, () => 'too slow')
    // Not sent through `once`: its time limit aborts with an UnavailableError, and then the client leaves its connection.
    return told(this.#origin, 'line', 0, () => this.#backend.line(name, scope.signal))
      .catch(() => [])
      .finally(() => scope.detach())
  }
}

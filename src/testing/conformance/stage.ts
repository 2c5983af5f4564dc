// The names, clients and sessions that one case uses. Closes all of them when the case is over, even if it failed or
// hangs.

import type { Leasehold } from '../../api/leasehold.ts'
import { type Clock, leastElapsedMs, type Mark, systemClock } from '../../base/clock.ts'
import { connect } from '../../connect.ts'
import type { Backend, BackendSource, Facts, SessionGrant } from '../../contract.ts'
import { never } from './signals.ts'
import { lossMs, slackMs, usualTtlMs } from './timing.ts'
import { until } from './wait.ts'

/** Makes the names, clients and sessions of one case, and closes them at its end. */
export class Stage {
  readonly clock: Clock = systemClock()
  /** The contract itself, to see what the public API does not show. */
  readonly backend: Backend
  readonly #source: BackendSource
  readonly #clients: Leasehold[] = []
  readonly #sessions: string[] = []
  #over = false

  constructor(source: BackendSource, backend: Backend) {
    this.#source = source
    this.backend = backend
  }

  static async open(source: BackendSource): Promise<Stage> {
    return new Stage(source, await source.open(systemClock()))
  }

  get facts(): Facts {
    return this.backend.facts
  }

  /** A name that was never used before, neither in this run nor in an earlier one. */
  name(): string {
    return `conformance-${this.clock.id().toString(36)}`
  }

  /** A client of its own, opened as a user opens it. */
  async client(): Promise<Leasehold> {
    const client = await connect(this.#source, { ttlMs: usualTtlMs(this.facts) })
    this.#clients.push(client)
    if (this.#over) await client.close()
    return client
  }

  /** Two clients. */
  pair(): Promise<[Leasehold, Leasehold]> {
    return Promise.all([this.client(), this.client()])
  }

  /** A session that is never renewed. */
  async grant(ttlMs: number = usualTtlMs(this.facts)): Promise<SessionGrant> {
    const grant = await this.backend.createSession(ttlMs, never)
    this.#sessions.push(grant.id)
    return grant
  }

  /** The id of a session that is never renewed. */
  async session(): Promise<string> {
    return (await this.grant()).id
  }

  /** The number of claims on the name now. */
  async standing(name: string): Promise<number> {
    return (await this.backend.line(name, never)).length
  }

  /** Waits until the name has this many claims. */
  untilStanding(name: string, count: number, withinMs: number = slackMs / 2): Promise<void> {
    return until(this.clock, { withinMs }, `claims on ${name}`, () => this.standing(name), count)
  }

  /** Waits until the signal of a hold has aborted, for as long as a loss may take to be noticed. */
  lost({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const withinMs = lossMs(this.facts) + slackMs / 3
    return until(this.clock, { withinMs }, 'signal.aborted of a lost hold', () => signal.aborted, true)
  }

  /** Ends the session of the claim at this place in line, as an operator or an expiry does. */
  async endSession(name: string, place = 0): Promise<void> {
    const line = await this.backend.line(name, never)
    await this.backend.destroySession(line[place]?.session ?? '', never)
  }

  /** Time since that mark in ms; never more than has really passed. */
  elapsedMs(since: Mark): number {
    return leastElapsedMs(since, this.clock.mark())
  }

  /** Closes every client, ends every session and closes the store. */
  async close(): Promise<void> {
    this.#over = true
    await Promise.all(this.#clients.map((client) => client.close()))
    try {
      await Promise.all(this.#sessions.map((session) => this.backend.destroySession(session, never)))
    } finally {
      await this.backend.close()
    }
  }
}

// Shows the leader as a service in the catalog of the store, if it has one. Owns the time of that: while the term is held
// and its work is not asked to stop.

import type { LeaderService, LeadWork } from '../api/election.ts'
import type { LedTerm } from '../api/term.ts'
import { roomyController } from '../base/abort.ts'
import { type Clock, pause } from '../base/clock.ts'
import { quoted } from '../base/printable.ts'
import type { Announcement, Facts } from '../contract.ts'
import { warn } from '../core/grace.ts'
import { coveredMs, usualRenewalMs } from '../core/lifetime.ts'
import { backoffMs } from '../core/request.ts'

/** The parts that announcing uses. */
export interface AnnouncingClient {
  readonly clock: Clock
  readonly facts: Facts
  readonly ttlMs: number
  announce(announcement: Announcement): Promise<void>
  retract(id: string): Promise<void>
}

/** The service, and the function that gets errors. */
export interface AnnouncingOptions {
  readonly service?: LeaderService | undefined
  readonly onError?: ((error: unknown) => unknown) | undefined
}

/**
 * The work, with its leader announced meanwhile. It ends when the service is gone, so that the next leader is not shown
 * at the same time. Without a service it is the work itself.
 */
export function announced(client: AnnouncingClient, work: LeadWork, options: AnnouncingOptions): LeadWork {
  const { service, onError = warn } = options
  if (!service) return work
  return async (term) => {
    const over = roomyController()
    const showing = new Showing(client, term, service, onError).until(over.signal)
    try {
      return await work(term)
    } finally {
      over.abort()
      await showing
    }
  }
}

/** One term of one leader in the catalog. */
class Showing {
  readonly #client: AnnouncingClient
  readonly #term: LedTerm
  readonly #announcement: Announcement
  readonly #onError: (error: unknown) => unknown
  #told = ''

  constructor(
    client: AnnouncingClient,
    term: LedTerm,
    { name, port, address, tags = [] }: LeaderService,
    onError: (error: unknown) => unknown,
  ) {
    const { facts, ttlMs } = client
    const forMs = Math.min(ttlMs, coveredMs(ttlMs, facts) / 2)
    const about = `leads ${quoted(term.name)}`
    this.#client = client
    this.#term = term
    this.#announcement = { id: `${name}-${term.token}`, service: name, port, address, tags, about, forMs }
    this.#onError = onError
  }

  /** Never rejects. Waits for a request under way, since that would show the service again after its removal. */
  async until(over: AbortSignal): Promise<void> {
    const { clock, facts, ttlMs } = this.#client
    const term = this.#term
    const stop = AbortSignal.any([term.signal, over])
    for (let failures = 0; term.held && !term.stopping && !over.aborted; ) {
      const shown = !this.#isSure || (await this.#tried(() => this.#client.announce(this.#announcement)))
      failures = shown ? 0 : failures + 1
      const restMs = shown ? usualRenewalMs(ttlMs, facts) : backoffMs(clock, failures)
      await pause(clock, restMs, stop).catch(() => {})
    }
    await this.#tried(() => this.#client.retract(this.#announcement.id))
  }

  /**
   * Whether the term surely lasts until the service, if it is announced now, counts as unhealthy again. After a renewal it
   * does. After some renewals without an answer it does not: another candidate may lead by then.
   */
  get #isSure(): boolean {
    return this.#term.remainingMs >= this.#announcement.forMs
  }

  /** Whether it succeeded. Reports equal errors in a row only once. */
  async #tried(act: () => Promise<void>): Promise<boolean> {
    try {
      await act()
      this.#told = ''
      return true
    } catch (error) {
      if (String(error) !== this.#told) void (async () => this.#onError(error))().catch(warn)
      this.#told = String(error)
      return false
    }
  }
}

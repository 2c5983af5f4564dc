// Elections: candidates stand in line as for a lock, one leads, and every client can observe the leader. Owns the
// verbs. core/acquire.ts waits, core/follow.ts follows changes, lead.ts works through terms.

import type {
  CampaignOptions,
  Election,
  LeadOptions,
  LeadWork,
  ObserveOptions,
  Term,
} from '../api/election.ts'
import type { Clock } from '../base/clock.ts'
import { Scope } from '../base/scope.ts'
import type { Facts, Leader, Observation } from '../contract.ts'
import type { Acquirer } from '../core/acquire.ts'
import {
  campaignOptions,
  checkName,
  checkOptions,
  checkWork,
  leadOptions,
  observeOptions,
} from '../core/arguments.ts'
import { follow } from '../core/follow.ts'
import type { Grant } from '../core/hold.ts'
import { Lead, LedTerm } from './lead.ts'
import { ClaimTerm } from './term.ts'

/** The parts of the client that an election uses. */
export interface ElectionClient {
  readonly acquirer: Acquirer
  readonly clock: Clock
  readonly facts: Facts
  readonly ttlMs: number
  /** This process, as the value of a candidate that sets none. */
  readonly candidate: string
  observe(name: string, scope: Scope, retries?: number): Promise<Observation>
  /** Resolves when the leader may have changed: `leaderChanged` of the contract. */
  leaderChanged(name: string, seen: Observation, signal: AbortSignal): Promise<Observation | undefined>
}

/** An election of one client. Its promises are in the interface Election. */
export class ClientElection implements Election {
  readonly name: string
  readonly #client: ElectionClient

  /** Throws TypeError or RangeError for a bad name. Sends nothing. */
  constructor(client: ElectionClient, name: string) {
    checkName(name)
    this.#client = client
    this.name = name
  }

  async campaign(options: CampaignOptions = {}): Promise<Term> {
    checkOptions(options, campaignOptions(this.#client.facts))
    return this.#campaign(options, (grant) => new ClaimTerm(grant))
  }

  async leader(): Promise<Leader | undefined> {
    const { acquirer } = this.#client
    const { leader } = await this.#client.observe(this.name, acquirer.closing)
    return leader
  }

  observe(options: ObserveOptions = {}): AsyncGenerator<Leader | undefined, never, void> {
    checkOptions(options, observeOptions) // checked here, since a generator runs no code before its first `next`
    return this.#observe(options)
  }

  async *#observe({ signal }: ObserveOptions): AsyncGenerator<Leader | undefined, never, void> {
    const { acquirer, clock, ttlMs, leaderChanged } = this.#client
    const scope = new Scope().on(acquirer.closing).onSignal(signal)
    try {
      const ask = (retries?: number): Promise<Observation> => this.#client.observe(this.name, scope, retries)
      const first = await ask()
      const observations = follow(first, {
        clock,
        scope,
        ask: () => ask(Infinity),
        changed: (seen, until) => leaderChanged(this.name, seen, until),
        restMs: () => ttlMs,
        tells: () => true,
        isSame: (before, now) => isSame(before.leader, now.leader),
      })
      for (let last: Observation | undefined; ; ) {
        const { value: now } = await observations.next()
        if (!last || !isSame(last.leader, now.leader)) yield now.leader
        last = now
      }
    } finally {
      scope.lift()
    }
  }

  async lead(work: LeadWork, options: LeadOptions = {}): Promise<void> {
    const { acquirer, clock, facts } = this.#client
    checkWork('work', work)
    checkOptions(options, leadOptions(facts))
    const { value, onWait } = options
    const campaign = (signal: AbortSignal): Promise<LedTerm> =>
      this.#campaign({ value, signal, onWait }, (grant) => new LedTerm(grant), true)
    const scope = new Scope().on(acquirer.closing).onSignal(options.signal)
    const lead = new Lead({ campaign, clock, scope, name: this.name }, work, options)
    await acquirer.awaitOnClose(lead.run().finally(() => scope.lift()))
  }

  async #campaign<T extends ClaimTerm>(
    options: CampaignOptions,
    make: (grant: Grant) => T,
    releasesItself = false,
  ): Promise<T> {
    const { acquirer, candidate } = this.#client
    const { value = candidate, waitMs, signal, onWait } = options
    const wish = { name: this.name, permits: 1, value, candidate: true, releasesItself, make }
    return acquirer.acquire({ ...wish, waitMs, signal, onWait })
  }
}

function isSame(one: Leader | undefined, other: Leader | undefined): boolean {
  return one?.token === other?.token && one?.value === other?.value && one?.session === other?.session
}

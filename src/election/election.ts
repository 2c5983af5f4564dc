// Elections: candidates stand in line as for a lock, one leads, and every client can observe the leader. Owns the
// verbs. core/acquire.ts waits, core/follow.ts follows changes, lead.ts works through terms.

import type { AskOptions } from '../api/ask.ts'
import type {
  CampaignOptions,
  Election,
  LeadOptions,
  LeadWork,
  ObserveOptions,
  Observing,
  Term,
} from '../api/election.ts'
import { type Clock, pause } from '../base/clock.ts'
import { quoted } from '../base/printable.ts'
import { type Ending, Scope } from '../base/scope.ts'
import type { Facts, Leader, Observation } from '../contract.ts'
import type { Acquirer } from '../core/acquire.ts'
import {
  askOptions,
  campaignOptions,
  checkName,
  checkOptions,
  checkWork,
  leadOptions,
  observeOptions,
} from '../core/arguments.ts'
import { teller } from '../core/callbacks.ts'
import { follow } from '../core/follow.ts'
import { warn } from '../core/grace.ts'
import type { Grant } from '../core/hold.ts'
import { backoffMs, within } from '../core/request.ts'
import { type Candidacy, Lead } from './lead.ts'
import { ObservingLoop } from './observing.ts'
import { ClaimTerm } from './term.ts'

/** The parts of the client that an election uses. */
export interface ElectionClient {
  readonly acquirer: Acquirer
  readonly clock: Clock
  readonly facts: Facts
  readonly ttlMs: number
  /** The host and process of this client, as the value of a candidate that sets none. */
  readonly candidate: string
  observe(name: string, scope: Ending, retries?: number): Promise<Observation>
  /** Resolves when another leader may have followed: `leaderChanged` of the contract. */
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
    return this.#campaign(options)
  }

  async leader(options: AskOptions = {}): Promise<Leader | undefined> {
    checkOptions(options, askOptions)
    const { acquirer, clock, observe } = this.#client
    const limits = { clock, scope: acquirer.closing.scope }
    const { leader } = await within(limits, options, (scope) => observe(this.name, scope))
    return leader
  }

  observe(options: ObserveOptions = {}): Observing {
    checkOptions(options, observeOptions) // here, since a generator runs nothing before its first `next`
    return new ObservingLoop(this.#client, (observing) => this.#observe(observing, options))
  }

  async *#observe(
    observing: ObservingLoop,
    options: ObserveOptions,
  ): AsyncGenerator<Leader | undefined, never, void> {
    const { acquirer, clock, ttlMs, leaderChanged } = this.#client
    const scope = new Scope().on(acquirer.closing.scope).onSignal(options.signal)
    observing.open(scope)
    try {
      const first = await observing.ask(() => this.#client.observe(this.name, scope))
      const observations = follow(first, {
        clock,
        scope,
        ask: () => this.#askOn(observing, scope, options),
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

  /** Asks until the store answers: once the observer has had an answer, an error may be temporary. */
  async #askOn(
    observing: ObservingLoop,
    scope: Scope,
    { fatal, onError }: ObserveOptions,
  ): Promise<Observation> {
    const { clock, observe } = this.#client
    const tell = teller(onError ?? warnOfEach(), scope, { clock, name: this.name, graceMs: 0 })
    for (let failures = 1; ; failures += 1) {
      try {
        return await observing.ask(() => observe(this.name, scope, 0))
      } catch (error) {
        if (scope.ended || fatal?.(error)) throw error
        await tell(error)
      }
      await pause(clock, backoffMs(clock, failures), scope.signal)
    }
  }

  async lead(work: LeadWork, options: LeadOptions = {}): Promise<void> {
    const { acquirer, clock, facts, ttlMs } = this.#client
    checkWork('work', work)
    checkOptions(options, leadOptions(facts, ttlMs))
    acquirer.closing.scope.throwIfEnded()
    const scope = new Scope().on(acquirer.closing.scope).onSignal(options.signal)
    const campaign = ({ value, signal, onStanding }: Candidacy): Promise<ClaimTerm> => {
      return this.#campaign({ value, signal, onWait: options.onWait }, true, onStanding)
    }
    const lead = new Lead({ campaign, clock, facts, ttlMs, scope, name: this.name }, work, options)
    await acquirer.closing.awaitOnClose(lead.run().finally(() => scope.lift()))
  }

  async #campaign(
    options: CampaignOptions,
    releasesItself = false,
    onStanding?: () => void,
  ): Promise<ClaimTerm> {
    const { acquirer, candidate, clock, ttlMs } = this.#client
    const { value = candidate, waitMs, signal } = options
    const make = (grant: Grant): ClaimTerm => new ClaimTerm(grant)
    const wish = { name: this.name, permits: 1, value, candidate: true, releasesItself, make }
    let cancelWarning: (() => void) | undefined
    const onWait = (ahead: number, isLocal = false): unknown => {
      if (!isLocal) onStanding?.()
      // A term that was just lost is withdrawn within a time to live. A longer wait is caused by a campaign or a term
      // of this client.
      if (isLocal) cancelWarning ??= clock.after(ttlMs, () => warn(waitsForItself(this.name)))
      return options.onWait?.(ahead)
    }
    const asking = acquirer.acquire({ ...wish, waitMs, signal, onWait })
    return asking.finally(() => cancelWarning?.())
  }
}

/** Warns once of an error that comes again and again. */
function warnOfEach(): (error: unknown) => void {
  let told = ''
  return (error) => {
    if (String(error) !== told) warn(error)
    told = String(error)
  }
}

function waitsForItself(name: string): Error {
  const why = 'this client stands for it, or leads it, already, and its campaigns wait for one another'
  return new Error(`a campaign for ${quoted(name)} does not reach the store: ${why}`)
}

function isSame(one: Leader | undefined, other: Leader | undefined): boolean {
  return one?.token === other?.token && one?.value === other?.value && one?.session === other?.session
}

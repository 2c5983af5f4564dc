// Elections: candidates stand in line as for a lock, one leads, and every client can observe the leader. Owns the
// verbs. campaign.ts waits for a term, sight.ts observes, lead.ts works through terms.

import type { AskOptions } from '../api/ask.ts'
import type {
  CampaignOptions,
  Candidate,
  Election,
  LeadOptions,
  LeadWork,
  ObserveOptions,
  Observing,
  SeenLeader,
  TermOptions,
  TryCampaignOptions,
} from '../api/election.ts'
import type { LedTerm, Term } from '../api/term.ts'
import { type Ending, Scope } from '../base/scope.ts'
import type { Leader, Observation } from '../contract.ts'
import {
  askOptions,
  campaignOptions,
  checkName,
  checkOptions,
  checkWork,
  leadOptions,
  observeOptions,
  termOptions,
  tryCampaignOptions,
} from '../core/arguments.ts'
import { graceDefaultMs } from '../core/grace.ts'
import { stopBeforeDefaultMs } from '../core/lifetime.ts'
import { withAskOptions } from '../core/request.ts'
import { type AnnouncingClient, announced } from './announcing.ts'
import { type Attendance, type CampaignClient, Campaigns } from './campaign.ts'
import type { Candidacies } from './candidacies.ts'
import { Lead } from './lead.ts'
import { ObservingLoop } from './observing.ts'
import { serveOnce } from './one-term.ts'
import { leaders, type Onlooker } from './sight.ts'
import type { Sights } from './sights.ts'
import type { ClaimTerm } from './term.ts'

/** The parts of the client that an election uses. */
export interface ElectionClient extends AnnouncingClient, CampaignClient {
  /** The candidacies of this client, for its health. */
  readonly candidacies: Candidacies
  /** The waits of all observers of this client. */
  readonly sights: Sights
  /** The present leader, by a consistent read. */
  observe(name: string, scope: Ending): Promise<Observation>
  readCheckpoint(name: string, options?: AskOptions): Promise<string | undefined>
}

/** An election of one client. Its promises are in the interface Election. */
export class ClientElection implements Election {
  readonly name: string
  readonly #client: ElectionClient
  readonly #campaigns: Campaigns
  readonly #draining = new Scope()

  /** Throws TypeError or RangeError for a bad name. Sends nothing. */
  constructor(client: ElectionClient, name: string) {
    checkName(name)
    this.#client = client
    this.#campaigns = new Campaigns(client, name)
    this.name = name
  }

  async campaign(options: CampaignOptions = {}): Promise<Term> {
    checkOptions(options, campaignOptions(this.#client.facts))
    return this.#untilHeld((attendance) => this.#campaigns.campaign(options, attendance))
  }

  async tryCampaign(options: TryCampaignOptions = {}): Promise<Term | undefined> {
    checkOptions(options, tryCampaignOptions(this.#client.facts))
    return this.#untilHeld((attendance) => this.#campaigns.tryCampaign(options, attendance))
  }

  async run<T>(work: (term: LedTerm) => T | Promise<T>, options: TermOptions = {}): Promise<T> {
    const { acquirer, facts, ttlMs } = this.#client
    checkWork('work', work)
    checkOptions(options, termOptions(facts, ttlMs))
    return acquirer.closing.awaitOnClose(this.#run(work, options))
  }

  async leader(options: AskOptions = {}): Promise<SeenLeader | undefined> {
    const { observe } = this.#client
    const { leader } = await this.#ask(options, (scope) => observe(this.name, scope))
    return this.#seen(leader)
  }

  async candidates(options: AskOptions = {}): Promise<Candidate[]> {
    const line = await this.#ask(options, (scope) => this.#client.line(this.name, scope))
    return line.map(({ value, token, session, held: leads, priority }) => {
      const mine = session === this.#client.session
      return { ...{ value, token, session, leads, mine }, ...(priority !== undefined && { priority }) }
    })
  }

  readCheckpoint(options?: AskOptions): Promise<string | undefined> {
    return this.#client.readCheckpoint(this.name, options)
  }

  observe(options: ObserveOptions = {}): Observing {
    checkOptions(options, observeOptions) // here, since a generator runs nothing before its first `next`
    return new ObservingLoop(this.#client, (observing) => this.#observe(observing, options))
  }

  async lead(work: LeadWork, options: LeadOptions = {}): Promise<void> {
    const { acquirer, clock, facts, ttlMs } = this.#client
    checkWork('work', work)
    checkOptions(options, leadOptions(facts, ttlMs))
    acquirer.closing.scope.throwIfEnded()
    const scope = acquirer.closing.scopeOf(options.signal)
    const { onWait, priority } = options
    const candidacy = this.#client.candidacies.enter(this.name)
    const own = { candidacy, releasesItself: true }
    const lead = new Lead(
      {
        ...{ clock, facts, ttlMs, scope, name: this.name, draining: this.#draining },
        campaign: ({ value, signal, onStanding }) =>
          this.#campaigns.campaign({ value, signal, onWait, priority }, { ...own, onStanding }),
        tryCampaign: (round) => this.#campaigns.tryCampaign(round, own),
        untilVacant: (signal) => this.#untilVacant({ signal, onError: options.onError }),
        waiting: (signal) => this.#waiting(signal),
      },
      candidacy.during(announced(this.#client, work, options)),
      options,
    )
    const leading = lead.run().finally(candidacy.leave)
    await acquirer.closing.awaitOnClose(leading.finally(() => scope.detach()))
  }

  drain(): void {
    this.#draining.end('the candidate makes room for others')
  }

  async #run<T>(work: (term: LedTerm) => T | Promise<T>, options: TermOptions): Promise<T> {
    const { acquirer, clock, facts, ttlMs } = this.#client
    const {
      graceMs = graceDefaultMs,
      stopBeforeMs = stopBeforeDefaultMs(ttlMs, facts),
      ...campaign
    } = options
    const grace = { clock, name: this.name, graceMs }
    const candidacy = this.#client.candidacies.enter(this.name)
    try {
      const term = await this.#campaigns.campaign(campaign, { candidacy, releasesItself: true })
      const scope = acquirer.closing.scopeOf(options.signal)
      const serving = serveOnce(term, candidacy.during(work), { scope, grace, stopBeforeMs })
      return await serving.finally(() => scope.detach())
    } finally {
      candidacy.leave()
    }
  }

  /** The term of a caller, whose candidacy goes on until the term is over. */
  async #untilHeld<T extends Pick<ClaimTerm, 'held'> | undefined>(
    ask: (attendance: Attendance) => Promise<T>,
  ): Promise<T> {
    const candidacy = this.#client.candidacies.enter(this.name)
    try {
      const term = await ask({ candidacy })
      if (term) candidacy.leads(term)
      else candidacy.leave()
      return term
    } catch (error) {
      candidacy.leave()
      throw error
    }
  }

  async *#observe(
    onlooker: Onlooker,
    options: ObserveOptions,
  ): AsyncGenerator<SeenLeader | undefined, never, void> {
    const { acquirer, clock, sights } = this.#client
    const scenery = { name: this.name, clock, closing: acquirer.closing, sights }
    const seen = leaders(scenery, onlooker, options)
    try {
      for (;;) yield this.#seen((await seen.next()).value)
    } finally {
      await seen.return(undefined as never)
    }
  }

  #seen(leader: Leader | undefined): SeenLeader | undefined {
    return leader && { ...leader, mine: leader.session === this.#client.session }
  }

  async #untilVacant(options: ObserveOptions): Promise<void> {
    for await (const leader of this.observe(options)) if (!leader) return
  }

  async #waiting(signal: AbortSignal): Promise<bigint[]> {
    const candidates = await this.candidates({ signal })
    return candidates.filter(({ leads, mine }) => !leads && !mine).map(({ token }) => token)
  }

  /** Asks within the limits that a caller gives. */
  async #ask<T>(options: AskOptions, ask: (scope: Ending) => Promise<T>): Promise<T> {
    checkOptions(options, askOptions)
    const { acquirer, clock } = this.#client
    return withAskOptions({ clock, scope: acquirer.closing.scope }, options, ask)
  }
}

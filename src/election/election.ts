// Elections: candidates stand in line as for a lock, one leads, and every client can observe the leader. Owns the
// verbs. core/acquire.ts waits, sight.ts observes, lead.ts works through terms, precedence.ts overtakes.

import type { AskOptions } from '../api/ask.ts'
import type {
  CampaignOptions,
  Candidate,
  CandidateValue,
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
import { quoted } from '../base/printable.ts'
import { type Ending, Scope } from '../base/scope.ts'
import type { Leader, Observation, Overtaking, Standing } from '../contract.ts'
import type { Acquirer } from '../core/acquire.ts'
import {
  askOptions,
  campaignOptions,
  checkName,
  checkOptions,
  checkValue,
  checkWork,
  leadOptions,
  observeOptions,
  termOptions,
  tryCampaignOptions,
} from '../core/arguments.ts'
import { graceDefaultMs, warn } from '../core/grace.ts'
import type { Grant } from '../core/hold.ts'
import { coveredMs, stopBeforeDefaultMs } from '../core/lifetime.ts'
import { withAskOptions } from '../core/request.ts'
import type { Wish } from '../core/wish.ts'
import { type AnnouncingClient, announced } from './announcing.ts'
import type { Attendance, Candidacy } from './entry.ts'
import { Lead } from './lead.ts'
import { ObservingLoop } from './observing.ts'
import { serveOnce } from './one-term.ts'
import { Overtaker } from './precedence.ts'
import { leaders, type Onlooker } from './sight.ts'
import type { Sights } from './sights.ts'
import { ClaimTerm } from './term.ts'

/** The parts of the client that an election uses. */
export interface ElectionClient extends AnnouncingClient {
  readonly acquirer: Acquirer
  /** The host and process of this client, as the value of a candidate that sets none. */
  readonly candidate: string
  /** The present session; undefined while there is none. */
  readonly session: string | undefined
  /** The waits of all observers of this client. */
  readonly sights: Sights
  /** The present leader, by a consistent read. */
  observe(name: string, scope: Ending): Promise<Observation>
  line(name: string, scope: Ending): Promise<Standing[]>
  /** Makes room in the line: `overtake` of the contract. */
  overtake(name: string, overtaking: Overtaking, scope: Ending): Promise<boolean>
  readCheckpoint(name: string, options?: AskOptions): Promise<string | undefined>
}

/** An election of one client. Its promises are in the interface Election. */
export class ClientElection implements Election {
  readonly name: string
  readonly #client: ElectionClient
  readonly #draining = new Scope()

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

  async tryCampaign(options: TryCampaignOptions = {}): Promise<Term | undefined> {
    checkOptions(options, tryCampaignOptions(this.#client.facts))
    return this.#tryCampaign(options)
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
    const scope = new Scope().on(acquirer.closing.scope).onSignal(options.signal)
    const { onWait, priority } = options
    const lead = new Lead(
      {
        ...{ clock, facts, ttlMs, scope, name: this.name, draining: this.#draining },
        campaign: ({ value, signal, onStanding }: Candidacy) =>
          this.#campaign({ value, signal, onWait, priority }, { releasesItself: true, onStanding }),
        tryCampaign: (candidacy) => this.#tryCampaign(candidacy, { releasesItself: true }),
        untilVacant: (signal) => this.#untilVacant({ signal, onError: options.onError }),
        waiting: (signal) => this.#waiting(signal),
      },
      announced(this.#client, work, options),
      options,
    )
    await acquirer.closing.awaitOnClose(lead.run().finally(() => scope.detach()))
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
    const term = await this.#campaign(campaign, { releasesItself: true })
    const scope = new Scope().on(acquirer.closing.scope).onSignal(options.signal)
    return serveOnce(term, work, { scope, grace, stopBeforeMs }).finally(() => scope.detach())
  }

  async #campaign(options: CampaignOptions, attendance: Attendance = {}): Promise<ClaimTerm> {
    const { acquirer, clock, facts, ttlMs } = this.#client
    const { value, waitMs, signal, priority } = options
    const longMs = Math.max(ttlMs, coveredMs(ttlMs, facts))
    const wish = await this.#wish(value, attendance)
    const wait = new Scope().on(acquirer.closing.scope).onSignal(signal)
    const overtaker = this.#overtaker(priority, wait)
    let cancelWarning: (() => void) | undefined
    const onWait = (ahead: number, isLocal = false): unknown => {
      if (!isLocal) attendance.onStanding?.()
      // A term that was just lost is withdrawn within the covered time. A longer wait is caused by a campaign or a term of
      // this client.
      if (isLocal) cancelWarning ??= clock.after(longMs, () => warn(waitsForItself(this.name)))
      const overtaking = !isLocal && ahead > 1 && overtaker?.look()
      return Promise.all([options.onWait?.(ahead), overtaking])
    }
    const asking = acquirer.acquire({ ...wish, priority, waitMs, signal, onWait })
    return asking.finally(() => {
      cancelWarning?.()
      wait.end(undefined)
      wait.detach()
    })
  }

  async #tryCampaign(
    { value, signal }: TryCampaignOptions,
    attendance: Attendance = {},
  ): Promise<ClaimTerm | undefined> {
    return this.#client.acquirer.tryAcquire({ ...(await this.#wish(value, attendance)), signal })
  }

  async #wish(asked: CandidateValue | undefined, { releasesItself }: Attendance): Promise<Wish<ClaimTerm>> {
    const { candidate, facts } = this.#client
    const value = typeof asked === 'function' ? await asked() : (asked ?? candidate)
    checkValue(value, facts)
    const make = (grant: Grant): ClaimTerm => new ClaimTerm(grant)
    return {
      ...{ name: this.name, permits: 1, weight: 1, value, candidate: true, make },
      ...(releasesItself && { releasesItself }),
    }
  }

  #overtaker(priority: number | undefined, scope: Ending): Overtaker | undefined {
    if (priority === undefined) return undefined
    const { clock, line, overtake } = this.#client
    return new Overtaker({
      ...{ clock, scope, priority },
      session: () => this.#client.session,
      read: () => line(this.name, scope),
      overtake: (overtaking) => overtake(this.name, overtaking, scope),
    })
  }

  async *#observe(
    onlooker: Onlooker,
    options: ObserveOptions,
  ): AsyncGenerator<SeenLeader | undefined, never, void> {
    const { acquirer, clock, sights } = this.#client
    const scenery = { name: this.name, clock, closing: acquirer.closing.scope, sights }
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

function waitsForItself(name: string): Error {
  const why = 'this client stands for it, or leads it, already, and its campaigns wait for one another'
  return new Error(`a campaign for ${quoted(name)} does not reach the store: ${why}`)
}

// One campaign: the wish of a candidate, and its wait for a term. Owns the effects of a wait: a candidate of a higher priority
// overtakes, and a campaign that waits for its own client warns. election.ts has the verbs.
import type { CampaignOptions, CandidateValue, TryCampaignOptions } from '../api/election.ts'
import type { Clock } from '../base/clock.ts'
import { quoted } from '../base/printable.ts'
import type { Ending } from '../base/scope.ts'
import type { Facts, Overtaking, Standing } from '../contract.ts'
import type { Acquirer } from '../core/acquire.ts'
import { checkValue } from '../core/arguments.ts'
import { tell } from '../core/events.ts'
import { warn } from '../core/grace.ts'
import type { Grant } from '../core/hold.ts'
import { coveredMs } from '../core/lifetime.ts'
import type { Wish } from '../core/wish.ts'
import type { Candidacy } from './candidacies.ts'
import { Overtaker } from './precedence.ts'
import { ClaimTerm } from './term.ts'

/** The parts of the client that a campaign uses. */
export interface CampaignClient {
  readonly acquirer: Acquirer
  readonly clock: Clock
  readonly facts: Facts
  readonly ttlMs: number
  /** The host and process of this client, as the value of a candidate that sets none. */
  readonly candidate: string
  /** The present session; undefined while there is none. */
  readonly session: string | undefined
  line(name: string, scope: Ending): Promise<Standing[]>
  /** Makes room in the line: `overtake` of the contract. */
  overtake(name: string, overtaking: Overtaking, scope: Ending): Promise<boolean>
}

/** How a candidate campaigns, besides the options of a caller. */
export interface Attendance {
  readonly candidacy: Candidacy
  /** If true, `close` waits for the work, and does not release the term before. */
  readonly releasesItself?: boolean
  /** Called when the store has put the candidate in line. */
  readonly onStanding?: (() => void) | undefined
}

/** The campaigns of one client for one name. */
export class Campaigns {
  readonly #client: CampaignClient
  readonly #name: string

  constructor(client: CampaignClient, name: string) {
    this.#client = client
    this.#name = name
  }

  /** Waits for a term: see `campaign` of Election. */
  async campaign(options: CampaignOptions, attendance: Attendance): Promise<ClaimTerm> {
    const { acquirer, clock, facts, ttlMs } = this.#client
    const { value, waitMs, signal, priority } = options
    const longMs = Math.max(ttlMs, coveredMs(ttlMs, facts))
    const wish = await this.#wish(value, attendance)
    const wait = acquirer.closing.scopeOf(signal)
    const overtaker = this.#overtaker(priority, wait)
    let cancelWarning: (() => void) | undefined
    const onWait = (ahead: number, isLocal = false): unknown => {
      if (!isLocal) stands(attendance)
      // A term that was just lost is withdrawn within the covered time. A longer wait is caused by a campaign or a term of
      // this client.
      if (isLocal) cancelWarning ??= clock.after(longMs, () => warn(waitsForItself(this.#name)))
      const overtaking = !isLocal && ahead > 1 && overtaker?.look()
      return Promise.all([options.onWait?.(ahead), overtaking])
    }
    const asking = acquirer.acquire({ ...wish, priority, waitMs, signal, onWait })
    return asking.finally(() => {
      cancelWarning?.()
      attendance.candidacy.leavesLine()
      wait.end(undefined)
      wait.detach()
    })
  }

  /** Asks once: see `tryCampaign` of Election. */
  async tryCampaign(
    { value, signal }: TryCampaignOptions,
    attendance: Attendance,
  ): Promise<ClaimTerm | undefined> {
    return this.#client.acquirer.tryAcquire({ ...(await this.#wish(value, attendance)), signal })
  }

  async #wish(
    asked: CandidateValue | undefined,
    { releasesItself, candidacy }: Attendance,
  ): Promise<Wish<ClaimTerm>> {
    const { candidate, facts } = this.#client
    const value = typeof asked === 'function' ? await asked() : (asked ?? candidate)
    checkValue(value, facts)
    const make = (grant: Grant): ClaimTerm => this.#term(grant)
    const ended = (): void => this.#ended(releasesItself ? undefined : candidacy)
    return {
      ...{ name: this.#name, kind: 'election', permits: 1, weight: 1, value, candidate: true, make, ended },
      ...(releasesItself && { releasesItself }),
    }
  }

  /** The term that an admitted claim becomes. */
  #term(grant: Grant): ClaimTerm {
    const term = new ClaimTerm(grant)
    if (term.held) this.#tell(term)
    return term
  }

  /** The end of a term. It also ends the candidacy of a term without work of ours. */
  #ended(candidacy: Candidacy | undefined): void {
    candidacy?.leave()
    this.#tell(undefined)
  }

  #tell(term: ClaimTerm | undefined): void {
    tell('leasehold:leader.changed', () => {
      const leader = term && { value: term.value, token: term.token, session: term.session }
      const { origin } = this.#client.acquirer.closing
      return { ...origin, name: this.#name, leader, mine: term !== undefined, seenBy: 'candidate' }
    })
  }

  #overtaker(priority: number | undefined, scope: Ending): Overtaker | undefined {
    if (priority === undefined) return undefined
    const { clock, line, overtake } = this.#client
    return new Overtaker({
      ...{ clock, scope, priority },
      session: () => this.#client.session,
      read: () => line(this.#name, scope),
      overtake: (overtaking) => overtake(this.#name, overtaking, scope),
    })
  }
}

function stands({ candidacy, onStanding }: Attendance): void {
  candidacy.stands()
  onStanding?.()
}

function waitsForItself(name: string): Error {
  const why = 'this client stands for it, or leads it, already, and its campaigns wait for one another'
  return new Error(`a campaign for ${quoted(name)} does not reach the store: ${why}`)
}

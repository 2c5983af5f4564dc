// An election as a caller sees it: candidates stand in line as for a lock, one leads, and everybody may look who. Owns the
// verbs; waiting is acquire's, following what changes follow's, working through terms lead's.

import type { Clock } from '../base/clock.ts'
import { Scope } from '../base/scope.ts'
import type { Facts, Leader, Observation } from '../contract.ts'
import type { Acquirer } from '../core/acquire.ts'
import { checkCallback, checkName, checkSignal, checkValue, checkWait } from '../core/arguments.ts'
import { follow } from '../core/follow.ts'
import type { Grant } from '../core/hold.ts'
import type { AcquireOptions } from '../locks/lock.ts'
import { checkLead, Lead, type LeadOptions, type LeadWork, LedTerm } from './lead.ts'
import { Term } from './term.ts'

/** How to stand for an election. */
export interface CampaignOptions extends AcquireOptions {
  /** What others read about the leader, such as an address; by default its host and process id as JSON. */
  readonly value?: string | undefined
}

/** How to observe an election. */
export interface ObserveOptions {
  /** Ends the observation; the loop then throws its reason. */
  readonly signal?: AbortSignal | undefined
}

/** What an election needs of the client that made it. */
export interface ElectionClient {
  readonly acquirer: Acquirer
  readonly clock: Clock
  readonly facts: Facts
  readonly ttlMs: number
  /** Who stands, for others to read where a candidate says nothing else. */
  readonly candidate: string
  observe(name: string, scope: Scope, retries?: number): Promise<Observation>
  /** Resolves when another leader may have followed: `leaderChanged` of the contract. */
  leaderChanged(name: string, seen: Observation, signal: AbortSignal): Promise<Observation | undefined>
}

/**
 * One leader at a time, in the order in which the candidates came. On etcd it is the election of `etcdctl elect NAME` and
 * of Go's `concurrency.Election`; on Consul the leader is the session on the key `NAME/.lock`, as with `consul lock NAME`.
 * A mutex of the same name stands in the same line; but on etcd its tokens count otherwise, and a term that follows it may
 * have a smaller one. So let a name be either an election or a mutex where tokens fence something.
 */
export class Election {
  readonly name: string
  readonly #client: ElectionClient

  /** Throws TypeError or RangeError for a bad name. Sends nothing. */
  constructor(client: ElectionClient, name: string) {
    checkName(name)
    this.#client = client
    this.name = name
  }

  /**
   * Waits in line and resolves with a term when this candidate leads. Where nobody leads it costs one request. Rejects
   * with WaitTimeoutError after `waitMs`, with `signal.reason` on abort, with TypeError or RangeError for a bad
   * value, and with UnavailableError, ConflictError or RefusedError; in each case the candidacy is over. A
   * candidate whose session was lost while it waited stands in line again, at its end.
   */
  async campaign(options: CampaignOptions = {}): Promise<Term> {
    return this.#campaign(options, (grant) => new Term(grant))
  }

  /** Who leads now, read linearizably; undefined if nobody does. Costs one request. Rejects as `checkpoint` of a lock. */
  async leader(): Promise<Leader | undefined> {
    const { acquirer } = this.#client
    const { leader } = await this.#client.observe(this.name, acquirer.closing)
    return leader
  }

  /**
   * Tells who leads, at once and then whenever that changes: another leader, another value, or undefined while nobody
   * leads. A slow reader may miss what was true in between, never the last state. Costs one request and one watch, and
   * one request more for each change; where the store is out of reach it goes on when it is back. Ends by leaving the
   * loop, or throws `signal.reason`, an AbortError when the client is closed, RefusedError, and UnavailableError if
   * the store does not answer the first question.
   */
  async *observe({ signal }: ObserveOptions = {}): AsyncGenerator<Leader | undefined, never, void> {
    checkSignal(signal)
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

  /**
   * Campaigns, calls `work` with the term when this candidate leads, and campaigns again when the work is done, until
   * `signal` aborts or the client is closed; then resolves. When the work has to stop, `term.signal` aborts: work that
   * is over, or `graceMs` later, the term is resigned, never before. What goes wrong is told to `onError`, and after a
   * pause of up to 2 s it goes on: work that throws, a term that is lost, a store out of reach. Rejects with TypeError
   * or RangeError for bad arguments, ConflictError and RefusedError, and with HoldLostError if the work still runs
   * when all else is over: then end the process.
   */
  async lead(work: LeadWork, options: LeadOptions = {}): Promise<void> {
    const { acquirer, clock, facts } = this.#client
    checkLead(work, options)
    if (options.value !== undefined) checkValue(options.value, facts)
    const { value, onWait } = options
    const campaign = (signal: AbortSignal): Promise<LedTerm> =>
      this.#campaign({ value, signal, onWait }, (grant) => new LedTerm(grant), true)
    const scope = new Scope().on(acquirer.closing).onSignal(options.signal)
    const lead = new Lead({ campaign, clock, scope, name: this.name }, work, options)
    await acquirer.awaitOnClose(lead.run().finally(() => scope.lift()))
  }

  async #campaign<T extends Term>(
    options: CampaignOptions,
    make: (grant: Grant) => T,
    releasesItself = false,
  ): Promise<T> {
    const { acquirer, facts, candidate } = this.#client
    const { value = candidate, waitMs, signal, onWait } = options
    checkValue(value, facts)
    checkWait(waitMs)
    checkSignal(signal)
    checkCallback('onWait', onWait)
    const wish = { name: this.name, permits: 1, value, candidate: true, releasesItself, make }
    const term = await acquirer.acquire({ ...wish, waitMs, signal, onWait })
    if (term) return term
    throw await acquirer.notFree({ name: this.name })
  }
}

function isSame(one: Leader | undefined, other: Leader | undefined): boolean {
  return one?.token === other?.token && one?.value === other?.value && one?.session === other?.session
}

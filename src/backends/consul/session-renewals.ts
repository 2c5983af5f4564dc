// The requests that renew and confirm the sessions of a client. Owns their order, how many are sent at a time, for how long,
// and whether one read confirms many of them. permit-sessions.ts knows whose the sessions are.
import type { Clock } from '../../base/clock.ts'
import { SessionGoneError, UnavailableError } from '../../base/errors.ts'
import { Scope } from '../../base/scope.ts'
import type { SessionPlan, Transport } from './wire/transport.ts'

/** How many extra sessions are renewed at a time: half of the connections for renewals and releases. */
const atOnce = 8
/** From how many extra sessions on a list of all sessions of their node is read. */
const listedFrom = 4
/** How many sessions such a list may have for each of ours. To read one by itself costs as much as 50 in a list. */
const mostForEach = 20
/** The number of sessions on a node is taken for this much smaller at each renewal that reads no list. */
const forgetting = 0.95

/** The extra sessions of a client, and their fate. */
export interface Renewed {
  /** In the order in which they are renewed. */
  readonly ids: readonly string[]
  /** The node of the client's session. */
  readonly node: string
  readonly plan: SessionPlan
  /** Called when the session was renewed, and a consistent read that began meanwhile showed it. */
  stands(id: string): void
  /** Called when a session is gone. */
  gone(id: string): void
}

/** Renews the sessions of one client. */
export class SessionRenewals {
  readonly #transport: Transport
  readonly #clock: Clock
  /** How many sessions the node is believed to have, at least. */
  #onNode = 0

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport
    this.#clock = clock
  }

  /**
   * Renews one session, and resolves with its node. A leader that is cut off also renews sessions that the other servers have
   * ended, so only the consistent read counts. But Consul leaves a session out of that read if the token may not read it, and
   * refuses only the renewal. So the error of the renewal comes first.
   */
  async own(id: string, signal: AbortSignal): Promise<string> {
    const confirmed = this.#transport.confirmSession(id, signal)
    confirmed.catch(() => {}) // until it is awaited
    await this.#transport.renewSession(id, signal)
    return confirmed
  }

  /**
   * Renews extra sessions until all were answered, one has an error, or its time is over: a tenth of what a renewal covers,
   * and 1.5 s at most. Resolves with the reason why some were not answered.
   */
  async extras(renewed: Renewed, signal: AbortSignal): Promise<Error | undefined> {
    if (renewed.ids.length === 0) return undefined
    const late = (): Error => new DOMException('these renewals took too long', 'AbortError')
    const scope = new Scope().onSignal(signal).onTimeout(this.#clock, budgetMs(renewed.plan), late)
    try {
      await this.#all(renewed, scope.signal)
      return undefined
    } catch (error) {
      signal.throwIfAborted()
      scope.end(error) // the others of these requests are given up, and come first the next time
      return error instanceof DOMException ? new UnavailableError(error.message) : (error as Error)
    } finally {
      scope.detach()
    }
  }

  async #all(renewed: Renewed, signal: AbortSignal): Promise<void> {
    const listed = this.#list(renewed, signal)
    const rest = renewed.ids.values()
    const one = async (): Promise<void> => {
      for (const id of rest) await this.#extra(id, listed, renewed, signal)
    }
    await Promise.all(Array.from({ length: Math.min(atOnce, renewed.ids.length) }, one))
  }

  /**
   * The sessions that one consistent read shows. It is no proof that another one has ended: Consul leaves out in silence what a
   * token may not read, and an extra session that was opened over another agent is on another node.
   */
  async #list({ ids, node }: Renewed, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const most = ids.length * mostForEach
    this.#onNode *= forgetting
    if (ids.length < listedFrom || this.#onNode > most) return new Set()
    this.#onNode = 2 * most // if this read has no answer, the next ones are not tried
    const found = await this.#transport.listSessions(node, signal).catch(() => [])
    if (found.length > 0) this.#onNode = found.length
    return new Set(found)
  }

  async #extra(
    id: string,
    listed: Promise<ReadonlySet<string>>,
    { stands, gone }: Renewed,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#transport.renewSession(id, signal)
      if (!(await listed).has(id)) await this.#transport.confirmSession(id, signal)
      stands(id)
    } catch (error) {
      if (!(error instanceof SessionGoneError)) throw error
      gone(id)
    }
  }
}

/** How long no other client can hold after a session was shown, in ms: without a lock-delay its time to live. */
export function coveredMs({ ttlMs, lockDelayMs }: SessionPlan): number {
  return lockDelayMs || ttlMs
}

/** How long extra sessions are renewed before the client's own one has its turn again, in ms. */
function budgetMs(plan: SessionPlan): number {
  return Math.min(1_500, plan.ttlMs / 10, coveredMs(plan) / 10)
}

// The requests that renew and confirm the sessions of a client. Owns their order, how many are sent at a time, for how long,
// and whether one read confirms many of them. permit-sessions.ts knows whose the sessions are.
import { type Clock, mostElapsedMs } from '../../base/clock.ts'
import { SessionGoneError } from '../../base/errors.ts'
import { Scope } from '../../base/scope.ts'
import type { Transport } from './wire/transport.ts'

/** How many extra sessions are renewed at a time. That leaves 4 of the connections for renewals and releases. */
const atOnce = 12
/** From how many extra sessions on a list of all sessions of their node is read. */
const listedFrom = 4
/** How many sessions such a list may have for each of ours. To read one by itself costs as much as 50 in a list. */
const mostForEach = 20
/** The number of sessions on a node is taken for this much smaller at each renewal that reads no list. */
const forgetting = 0.95

/** The reason that gives up requests when the time is over. */
const late = new DOMException('the other sessions are renewed later', 'AbortError')

/** The extra sessions of a client, and their fate. */
export interface Renewed {
  /** In the order in which they are renewed. */
  readonly ids: readonly string[]
  /** The node of the client's session. */
  readonly node: string
  /** How long no other client can hold after a session was shown. */
  readonly coveredMs: number
  /** Whether this session is renewed even if a list shows it. */
  isDue(id: string): boolean
  /** Called when a consistent read that began meanwhile showed the session. */
  shown(id: string): void
  renewed(id: string): void
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
   * Renews extra sessions until all were answered, one has an error, or the time is over: a twelfth of the covered time, and 2.5 s
   * at most. Resolves with whether all were answered, and rejects with the error.
   */
  async extras(renewed: Renewed, signal: AbortSignal): Promise<boolean> {
    if (renewed.ids.length === 0) return true
    const scope = new Scope().onSignal(signal).onTimeout(this.#clock, limitMs(renewed), () => late)
    try {
      return await this.#all(renewed, scope.signal)
    } catch (error) {
      signal.throwIfAborted()
      scope.end(error) // gives up the others of these requests
      if (error !== late) throw error
      return false
    } finally {
      scope.detach()
    }
  }

  /** Resolves with whether all that need a request had one. The last ones are sent when three fifths of the time are over. */
  async #all(renewed: Renewed, signal: AbortSignal): Promise<boolean> {
    const begun = this.#clock.mark()
    const isOver = (): boolean => mostElapsedMs(begun, this.#clock.mark()) > limitMs(renewed) * 0.6
    const listed = await this.#list(renewed, signal)
    for (const id of renewed.ids) if (listed.has(id)) renewed.shown(id)
    const rest = renewed.ids.filter((id) => !listed.has(id) || renewed.isDue(id))
    const some = async (): Promise<void> => {
      while (rest.length > 0 && !isOver()) await this.#extra(rest.shift() as string, listed, renewed, signal)
    }
    await Promise.all(Array.from({ length: atOnce }, some))
    return rest.length === 0
  }

  /**
   * The sessions that one consistent read shows. It is no proof that another one has ended: Consul leaves out in silence what a
   * token may not read, and an extra session that was opened over another agent is on another node.
   */
  async #list({ ids, node }: Renewed, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const most = ids.length * mostForEach
    this.#onNode *= forgetting
    if (ids.length < listedFrom || this.#onNode > most) return new Set()
    this.#onNode = 1.1 * most // if this read has no answer, the next renewal does without
    const found = await this.#transport.listSessions(node, signal).catch(() => [])
    if (found.length > 0) this.#onNode = found.length
    return new Set(found)
  }

  async #extra(
    id: string,
    listed: ReadonlySet<string>,
    { shown, renewed, gone }: Renewed,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#transport.renewSession(id, signal)
      renewed(id)
      if (listed.has(id)) return
      await this.#transport.confirmSession(id, signal)
      shown(id)
    } catch (error) {
      if (!(error instanceof SessionGoneError)) throw error
      gone(id)
    }
  }
}

/** How long extra sessions are renewed before the client's own one has its turn again, in ms. */
function limitMs({ coveredMs }: Renewed): number {
  return Math.min(2_500, coveredMs / 12)
}

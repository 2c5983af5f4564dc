// The sessions of one client in Consul. In Go's protocol a session is one holder of a semaphore, so each further permit
// that a client has of a name needs an extra session. Owns that these live and die with the client's session: a renewal
// counts only if all were renewed, and consistent reads showed them all. A session whose permit was given back waits for the
// next claim: to open and to end one for each permit would cost two writes more than the permit itself.

import { orAborted } from '../../base/abort.ts'
import { SessionGoneError, UnavailableError } from '../../base/errors.ts'
import type { Claim, Renewal } from '../../contract.ts'
import type { SessionPlan, Transport } from './wire/transport.ts'

/** The extra sessions of one client's session. */
interface Extra {
  readonly plan: SessionPlan
  /** Each extra session, with the claim that has it. */
  readonly sessions: Map<string, Claim>
  /** Sessions that have no permit, for the claims to come. The value says whether one was idle at the last renewal, too. */
  readonly idle: Map<string, boolean>
  /** Sessions that are being opened, or that are ended since their caller has gone. */
  readonly opening: Set<Promise<unknown>>
  /** For each name, the sessions that have a permit of it, or are about to have one. */
  readonly taken: Map<string, Set<string>>
}

/** For a request that nobody ends. A shared one would keep the listener of each request that is never answered. */
const never = (): AbortSignal => new AbortController().signal

/** The sessions of one client, and their extra sessions. */
export class PermitSessions {
  readonly #transport: Transport
  readonly #extras = new Map<string, Extra>()

  constructor(transport: Transport) {
    this.#transport = transport
  }

  async create(plan: SessionPlan, signal: AbortSignal): Promise<string> {
    const session = await this.#transport.createSession(plan, signal)
    this.#extras.set(session, {
      plan,
      sessions: new Map(),
      idle: new Map(),
      opening: new Set(),
      taken: new Map(),
    })
    return session
  }

  /** Renews all sessions, and resolves with the claims whose extra session is gone. */
  async renew(session: string, signal: AbortSignal): Promise<Renewal> {
    const extra = this.#extras.get(session)
    const idle = this.#endIdle(extra, signal)
    const renewed = [...(extra?.sessions.keys() ?? []), ...idle].map((slot) =>
      this.#renewExtra(session, slot, signal),
    )
    const [, ...lost] = await Promise.all([this.#renewOne(session, signal), ...renewed])
    return { lost: lost.filter((claim) => claim !== undefined) }
  }

  /** Ends the sessions that were idle since the renewal before the last one, and returns the others. */
  #endIdle(extra: Extra | undefined, signal: AbortSignal): string[] {
    const idle = [...(extra?.idle ?? [])]
    for (const [id, isOld] of idle) {
      extra?.idle.set(id, true)
      if (!isOld) continue
      extra?.idle.delete(id)
      this.#transport.destroySession(id, signal).catch(() => {}) // the store ends it, since it is not renewed
    }
    return [...(extra?.idle.keys() ?? [])]
  }

  /**
   * A leader that is cut off also renews sessions that the other servers have ended, so only the consistent read
   * counts. But Consul leaves a session out of that read if the token may not read it, and refuses only the renewal. So
   * the error of the renewal comes first.
   */
  async #renewOne(id: string, signal: AbortSignal): Promise<void> {
    const confirmed = this.#transport.confirmSession(id, signal)
    confirmed.catch(() => {}) // until it is awaited
    await this.#transport.renewSession(id, signal)
    await confirmed
  }

  async destroy(session: string, signal: AbortSignal): Promise<void> {
    const { sessions, idle, opening = [] } = this.#extras.get(session) ?? {}
    const ended = [session, ...(sessions?.keys() ?? []), ...(idle?.keys() ?? [])].map((id) =>
      this.#transport.destroySession(id, signal),
    )
    await Promise.all([...ended, orAborted(Promise.all(opening), signal)])
    this.#extras.delete(session)
  }

  /** A session that has no permit of this name yet: the client's own, or an extra one. */
  async take(claim: Claim, signal: AbortSignal): Promise<string> {
    const extra = this.#extras.get(claim.session)
    if (!extra) return claim.session // it was destroyed, and the store will refuse it
    return this.takeIdle(claim) ?? this.#give(extra, claim, await this.#open(extra, signal))
  }

  /** The same, if there is one that need not be opened. */
  takeIdle(claim: Claim): string | undefined {
    const { session, name } = claim
    const extra = this.#extras.get(session)
    if (!extra) return undefined
    if (!extra.taken.get(name)?.has(session)) return this.#give(extra, claim, session)
    const [unused] = extra.idle.keys()
    if (unused === undefined) return undefined
    extra.idle.delete(unused)
    return this.#give(extra, claim, unused)
  }

  #give({ sessions, taken }: Extra, claim: Claim, slot: string): string {
    const ofName = taken.get(claim.name) ?? new Set()
    taken.set(claim.name, ofName)
    ofName.add(slot)
    if (slot !== claim.session) sessions.set(slot, claim)
    return slot
  }

  /**
   * Gives back a session that has no permit any more, and will get none: the claim is withdrawn, and its late attempts are
   * refused. So the next claim may have it.
   */
  giveBack({ session, name }: Claim, slot: string): void {
    const extra = this.#extras.get(session)
    if (extra?.sessions.delete(slot)) extra.idle.set(slot, false)
    const taken = extra?.taken.get(name)
    taken?.delete(slot)
    if (taken?.size === 0) extra?.taken.delete(name)
  }

  /**
   * Throws the error of a request that names the session of a permit. If only an extra session has ended, it is given back,
   * and the error is an UnavailableError: the client's session and its other holds live on.
   */
  failed(claim: Claim, slot: string, error: unknown): never {
    if (!(error instanceof SessionGoneError) || slot === claim.session) throw error
    this.#extras.get(claim.session)?.sessions.delete(slot)
    this.giveBack(claim, slot)
    throw new UnavailableError('the session of a permit ended; ask again', { cause: error })
  }

  /** Opens a session. If `signal` aborts before it is open, ends it again. */
  async #open({ plan, opening }: Extra, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted()
    const opened = this.#transport.createSession(plan, never())
    const settled = opened
      .then((id) => (signal.aborted ? this.#transport.destroySession(id, never()) : undefined))
      .catch(() => {}) // the caller gets the error; the store ends sessions that are not renewed
      .finally(() => opening.delete(settled))
    opening.add(settled)
    return orAborted(opened, signal)
  }

  /** Renews an extra session. If it has expired, only its own permit is lost, and this resolves with its claim. */
  async #renewExtra(session: string, slot: string, signal: AbortSignal): Promise<Claim | undefined> {
    try {
      await this.#renewOne(slot, signal)
      return undefined
    } catch (error) {
      if (!(error instanceof SessionGoneError)) throw error
      const extra = this.#extras.get(session)
      const now = extra?.sessions.get(slot) // another claim may have it by now
      extra?.idle.delete(slot)
      extra?.sessions.delete(slot)
      return now
    }
  }
}

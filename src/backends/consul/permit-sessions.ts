// The sessions of one client in Consul. In Go's protocol a session is one holder of a semaphore, so each further permit
// that a client has of a name needs an extra session. Owns that these live and die with the client's session: a renewal
// counts only from the oldest request that showed one of them. A session whose permit was given back waits for the next claim:
// to open and to end one for each permit would cost two writes more than the permit itself.

import { orAborted } from '../../base/abort.ts'
import { type Clock, type Mark, mostElapsedMs } from '../../base/clock.ts'
import { SessionGoneError, UnavailableError } from '../../base/errors.ts'
import type { Claim, Renewal } from '../../contract.ts'
import { coveredMs, SessionRenewals } from './session-renewals.ts'
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
  /** For each extra session, when the last request was sent that showed it: a renewal, or the one that opened it. */
  readonly shown: Map<string, Mark>
  /** Claims whose session is gone, until a renewal has said so. */
  readonly lost: Set<Claim>
}

/** At which part of the covered time an extra session is given up. Holds end at nine tenths, and a renewal takes one. */
const lateAt = 0.8

/** For a request that nobody ends. A shared one would keep the listener of each request that is never answered. */
const never = (): AbortSignal => new AbortController().signal

/** The sessions of one client, and their extra sessions. */
export class PermitSessions {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #renewals: SessionRenewals
  readonly #extras = new Map<string, Extra>()

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport
    this.#clock = clock
    this.#renewals = new SessionRenewals(transport, clock)
  }

  async create(plan: SessionPlan, signal: AbortSignal): Promise<string> {
    const session = await this.#transport.createSession(plan, signal)
    this.#extras.set(session, {
      plan,
      sessions: new Map(),
      idle: new Map(),
      opening: new Set(),
      taken: new Map(),
      shown: new Map(),
      lost: new Set(),
    })
    return session
  }

  /**
   * Renews all sessions, the client's own first. Resolves with the claims whose extra session is gone, or was not shown for so long
   * that its hold would end. If some extra sessions got no answer in time, the next renewal begins with these.
   */
  async renew(session: string, signal: AbortSignal): Promise<Renewal> {
    const sent = this.#clock.mark()
    const extra = this.#extras.get(session)
    if (extra) this.#endIdle(extra, signal)
    const node = await this.#renewals.own(session, signal)
    return extra ? this.#renewExtras(extra, { node, sent }, signal) : { lost: [] }
  }

  async #renewExtras(
    extra: Extra,
    { node, sent }: { node: string; sent: Mark },
    signal: AbortSignal,
  ): Promise<Renewal> {
    const { plan, shown } = extra
    const before = new Map(shown)
    const ids = [...before.keys()].sort((one, other) => order(before.get(one), before.get(other)))
    const stands = (id: string): void => void (shown.has(id) && shown.set(id, sent))
    const gone = (id: string): void => this.#drop(extra, id)
    const failure = await this.#renewals.extras({ ids, node, plan, stands, gone }, signal)
    const late = ids.filter((id) => this.#isLate(extra, id))
    for (const id of late) gone(id)
    const isAnswered = ids.some((id) => shown.get(id) !== before.get(id))
    if (failure && !isAnswered) throw failure
    const lost = [...extra.lost]
    extra.lost.clear()
    const [since] = failure ? [...shown.values(), sent].sort(order) : []
    return since ? { lost, since } : { lost }
  }

  /** Whether the hold by an extra session ends before the renewal after the next one. */
  #isLate({ plan, shown }: Extra, id: string): boolean {
    const at = shown.get(id)
    return at !== undefined && mostElapsedMs(at, this.#clock.mark()) > coveredMs(plan) * lateAt
  }

  /** Forgets an extra session that has ended. Only the claim that has it by now is lost. */
  #drop(extra: Extra, id: string): void {
    const claim = extra.sessions.get(id)
    if (claim) extra.lost.add(claim)
    extra.sessions.delete(id)
    extra.idle.delete(id)
    extra.shown.delete(id)
  }

  /** Ends the sessions that were idle since the renewal before the last one. */
  #endIdle({ idle, shown }: Extra, signal: AbortSignal): void {
    for (const [id, isOld] of [...idle]) {
      idle.set(id, true)
      if (!isOld) continue
      idle.delete(id)
      shown.delete(id)
      this.#transport.destroySession(id, signal).catch(() => {}) // the store ends it, since it is not renewed
    }
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
    const unused = this.takeIdle(claim)
    if (unused !== undefined) return unused
    const sent = this.#clock.mark()
    const opened = await this.#open(extra, signal)
    extra.shown.set(opened, sent)
    return this.#give(extra, claim, opened)
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
    const extra = this.#extras.get(claim.session)
    extra?.sessions.delete(slot)
    extra?.shown.delete(slot)
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
}

/** Sorts the instants of one process. */
function order(one: Mark | undefined, other: Mark | undefined): number {
  return (one?.monotonicMs ?? 0) - (other?.monotonicMs ?? 0)
}

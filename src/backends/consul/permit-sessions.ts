// The sessions of one client in Consul. In Go's protocol a session is one holder of a semaphore, so each further permit
// that a client has of a name needs an extra session. Owns that these live and die with the client's session: a renewal
// counts only from the oldest request that showed one of them. A session whose permit was given back waits for the next claim:
// to open and to end one for each permit would cost two writes more than the permit itself.

import { orAborted } from '../../base/abort.ts'
import { type Clock, type Mark, mostElapsedMs } from '../../base/clock.ts'
import { SessionGoneError, UnavailableError } from '../../base/errors.ts'
import type { Claim, Facts, Renewal } from '../../contract.ts'
import { SessionRenewals } from './session-renewals.ts'
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
  /** The last answers about each extra session. */
  readonly known: Map<string, Known>
  /** Claims whose session is gone, until a renewal has said so. */
  readonly lost: Set<Claim>
}

/** When the last requests about an extra session were sent that were answered. At first both are the one that opened it. */
interface Known {
  /** The session existed after this. */
  readonly shown: Mark
  readonly renewed: Mark
}

const silence = 'no session of a further permit was renewed in time'
/** At which part of the covered time an extra session is given up. Holds end at nine tenths, and a renewal takes one. */
const lateAt = 0.8
/** At which part of its time to live a session is renewed that a list shows. The usual time between renewals is a third. */
const dueAt = 0.3

/** For a request that nobody ends. A shared one would keep the listener of each request that is never answered. */
const never = (): AbortSignal => new AbortController().signal

/** The sessions of one client, and their extra sessions. */
export class PermitSessions {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #endsEarly: boolean
  readonly #renewals: SessionRenewals
  readonly #extras = new Map<string, Extra>()

  /** `endsEarly` as in `Facts`: whether a hold lasts for the lock-delay from the last read on, or for the time to live. */
  constructor(transport: Transport, clock: Clock, { endsEarly }: Pick<Facts, 'endsEarly'>) {
    this.#transport = transport
    this.#clock = clock
    this.#endsEarly = endsEarly
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
      known: new Map(),
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
    const { plan, known } = extra
    const before = new Map(known)
    const ids = [...before].sort(([, one], [, other]) => order(one.renewed, other.renewed)).map(([id]) => id)
    const isDone = await this.#renewals.extras(
      {
        ...{ ids, node, coveredMs: this.#coveredMs(plan) },
        isDue: (id) => this.#isDue(extra, id),
        shown: (id) => note(known, id, { shown: sent }),
        renewed: (id) => note(known, id, { renewed: sent }),
        gone: (id) => this.#drop(extra, id),
      },
      signal,
    )
    const late = ids.filter((id) => this.#isLate(extra, id))
    for (const id of late) this.#drop(extra, id)
    if (!isDone && ids.every((id) => known.get(id) === before.get(id))) throw new UnavailableError(silence)
    const lost = [...extra.lost]
    extra.lost.clear()
    const proofs = [...known.values()].map((each) => this.#proof(each))
    const [since] = isDone ? [] : [...proofs, sent].sort(order)
    return since ? { lost, since } : { lost }
  }

  /** From which instant on an extra session covers a hold. */
  #proof({ shown, renewed }: Known): Mark {
    return this.#endsEarly || order(shown, renewed) < 0 ? shown : renewed
  }

  #coveredMs({ ttlMs, lockDelayMs }: SessionPlan): number {
    return this.#endsEarly ? lockDelayMs : ttlMs
  }

  /** Whether an extra session needs a renewal in any case: always, if a hold lasts no longer than the time to live. */
  #isDue({ plan, known }: Extra, id: string): boolean {
    const { renewed } = known.get(id) ?? {}
    return !this.#endsEarly || !renewed || this.#ageMs(renewed) >= plan.ttlMs * dueAt
  }

  /** Whether the hold by an extra session ends before the renewal after the next one. */
  #isLate({ plan, known }: Extra, id: string): boolean {
    const each = known.get(id)
    return each !== undefined && this.#ageMs(this.#proof(each)) > this.#coveredMs(plan) * lateAt
  }

  #ageMs(mark: Mark): number {
    return mostElapsedMs(mark, this.#clock.mark())
  }

  /** Forgets an extra session that has ended. Only the claim that has it by now is lost. */
  #drop(extra: Extra, id: string): void {
    const claim = extra.sessions.get(id)
    if (claim) extra.lost.add(claim)
    extra.sessions.delete(id)
    extra.idle.delete(id)
    extra.known.delete(id)
  }

  /** Ends the sessions that were idle since the renewal before the last one. */
  #endIdle({ idle, known }: Extra, signal: AbortSignal): void {
    for (const [id, isOld] of [...idle]) {
      idle.set(id, true)
      if (!isOld) continue
      idle.delete(id)
      known.delete(id)
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
    extra.known.set(opened, { shown: sent, renewed: sent })
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
    extra?.known.delete(slot)
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
function order(one: Mark, other: Mark): number {
  return one.monotonicMs - other.monotonicMs
}

/** Notes an answer about a session, unless that was forgotten meanwhile. */
function note(known: Map<string, Known>, id: string, news: Partial<Known>): void {
  const before = known.get(id)
  if (before) known.set(id, { ...before, ...news })
}

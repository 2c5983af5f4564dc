// The life of a claim in etcd, each step as one transaction. Owns what the client knows of each claim: where its key
// stands, and whether a request for it may still arrive.
import { UnavailableError } from '../../base/errors.ts'
import type { Attempt, Claim } from '../../contract.ts'
import type { Tombstones } from '../shared/tombstones.ts'
import { Groups } from './group.ts'
import type { Joint } from './joint.ts'
import type { Layout } from './layout.ts'
import { type Answer, admits, admitted, keysToRead, keysToSee, type Line, waiting } from './line.ts'
import { checkCrowd, checkLine } from './line-checks.ts'
import type { Lines } from './lines.ts'
import type { LockDelay } from './lock-delay.ts'
import { Looks } from './looks.ts'
import { lacksMark, mark, marked, withMark } from './marks.ts'
import {
  absent,
  createRevision,
  get,
  look,
  noneSince,
  put,
  putClaim,
  removeClaim,
  txn,
} from './operations.ts'
import { type ClaimState, change, madeAt, stands } from './own-key.ts'
import type { Portions } from './portions.ts'
import { Reads } from './reads.ts'
import { untilAdmitted, untilDeleted } from './waits.ts'
import type { Transport } from './wire/transport.ts'

const triesMax = 8

/** The methods of the contract about claims, for the claims of one client. backend.ts adds the others. */
export class Claims {
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #delay: LockDelay
  readonly #tombstones: Tombstones
  readonly #reads: Reads
  readonly #lines: Lines
  readonly #looks: Looks
  readonly #groups: Groups
  readonly #joint: Joint
  readonly #states = new WeakMap<Claim, ClaimState>()
  /** Whether new claims have a number in their key: a mutex that is kept has the key of its session alone. */
  numbered = false

  constructor(
    transport: Transport,
    joint: Joint,
    portions: Portions,
    lines: Lines,
    layout: Layout,
    delay: LockDelay,
    tombstones: Tombstones,
  ) {
    this.#transport = transport
    this.#joint = joint
    this.#reads = new Reads(transport, portions)
    this.#lines = lines
    this.#looks = new Looks(transport, lines, this.#reads, portions)
    this.#groups = new Groups(transport, this.#lines, delay, tombstones)
    this.#layout = layout
    this.#delay = delay
    this.#tombstones = tombstones
  }

  attempt(claim: Claim, signal: AbortSignal): Promise<Answer> {
    const state = this.of(claim)
    if (state.created !== undefined || state.unanswered) return this.#attemptAgain(state, signal)
    return this.#enter(state, signal)
  }

  async #attemptAgain(state: ClaimState, signal: AbortSignal): Promise<Answer> {
    if (state.unanswered) await checkCrowd(this.#transport, [state.keys.line], signal)
    const line = state.created === undefined ? undefined : await this.#look(state, signal)
    return line ? this.#answer(state, line, signal) : this.#enter(state, signal)
  }

  #enter(state: ClaimState, signal: AbortSignal): Promise<Answer> {
    return state.claim.wait ? this.#join(state, signal) : this.#tryJoin(state, signal)
  }

  /** Waits for the deletion of the key in the way. For a holder that is its own key. */
  async changed(claim: Claim, answer: Answer, signal: AbortSignal): Promise<Answer | undefined> {
    const state = this.of(claim)
    const { key, line: range } = state.keys
    if (answer.held) return untilDeleted(this.#transport, state.keys.own, signal)
    if (!answer.line) return undefined
    const line = this.#lines.latest(state, answer.line)
    if (admits(line, claim)) return undefined // events came after the answer
    const { permits, weight } = claim
    const queued = { key, permits, weight, range, line, proven: this.#delay.ms === 0 }
    const revision = await untilAdmitted(this.#transport, queued, () => this.#look(state, signal), signal)
    return revision === undefined ? undefined : admitted(state, revision)
  }

  async withdraw(claim: Claim, signal: AbortSignal): Promise<void> {
    const state = this.of(claim)
    const { keys, created, unanswered } = state
    if (state.isKept) return void this.#states.delete(claim)
    const gone = removeClaim(keys)
    if (unanswered) {
      // An attempt that arrives later finds the tombstone. So does this request if it arrives twice.
      const bury = [put(keys.tombstone, '', keys.lease), ...gone]
      await this.#transport.txn(txn([absent(keys.tombstone)], bury), signal)
      this.#tombstones.note(keys.tombstone)
    } else if (created !== undefined) {
      // The key of a mutex may be that of the session's next claim. Other keys are of this claim, and some may be gone.
      await this.#joint.txn(claim.name, txn(claim.permits === 1 ? [madeAt(state)] : [], gone), signal, true)
    }
    this.#states.delete(claim)
  }

  attemptAll(claims: readonly Claim[], signal: AbortSignal): Promise<Attempt> {
    return this.#groups.attempt(
      claims.map((claim) => this.of(claim)),
      signal,
    )
  }

  async withdrawAll(claims: readonly Claim[], signal: AbortSignal): Promise<void> {
    const states = claims.map((claim) => this.of(claim))
    if (await this.#groups.withdraw(states, signal)) for (const claim of claims) this.#states.delete(claim)
    else await Promise.all(claims.map((claim) => this.withdraw(claim, signal)))
  }

  async verify(claim: Claim, signal: AbortSignal): Promise<boolean> {
    const state = this.of(claim)
    return stands(this.#transport, state, await this.#reads.all(state.keys.own, signal), signal)
  }

  /**
   * The old claim of a mutex leaves in the transaction in which the next one joins. The next one has a key of its own, since
   * a transaction cannot delete a key and make it anew. It is sent at most once for a claim: if it gets no answer, the two
   * steps follow one by one. A late copy of it requires the key of the old claim, so it changes nothing then.
   */
  async replace(old: Claim, next: Claim, signal: AbortSignal): Promise<Answer> {
    const before = this.#states.get(old)
    const state = this.of(next, true)
    const isPlain = before?.created !== undefined && !before.unanswered && !before.isKept
    if (isPlain && !state.unanswered && state.created === undefined) return this.#join(state, signal, before)
    await this.withdraw(old, signal)
    return this.attempt(next, signal)
  }

  /** The state of this claim, kept until the claim is withdrawn. */
  of(claim: Claim, numbered: boolean = this.numbered): ClaimState {
    const known = this.#states.get(claim)
    if (known) return known
    const keys = this.#layout.claimKeys(claim, this.#delay.ms > 0, numbered)
    const { value, weight } = claim
    const state = { claim, keys, value, weight, version: 1n, unanswered: false }
    this.#states.set(claim, state)
    return state
  }

  /**
   * Joins the line: one transaction puts the key unless it exists, and reads the claims ahead. If the claim replaces another,
   * that one leaves first, on the condition that it stands.
   */
  async #join(state: ClaimState, signal: AbortSignal, old?: ClaimState): Promise<Answer> {
    const { claim, keys } = state
    const free = [absent(keys.key), absent(keys.tombstone), ...marked(state), ...(old ? [madeAt(old)] : [])]
    const gone = old ? removeClaim(old.keys) : []
    const after = this.#lines.after(state)
    const [most, joined] = this.#lines.join(state)
    const lookAndPut = [...gone, ...look(keys, most, { after }), ...putClaim(claim, keys)]
    const request = txn(free, lookAndPut, withMark(state, [get(keys.key)]))
    const response = await change([state], () => this.#joint.txn(claim.name, request, signal), joined)
    state.created = response.succeeded ? BigInt(response.header.revision) : createRevision(response)
    // If neither claim stands, the old one was removed by somebody else.
    if (old && state.created === undefined) return this.#join(state, signal)
    if (old) this.#states.delete(old.claim)
    if (state.created === undefined && lacksMark(state, response)) {
      await mark(this.#transport, this.#lines, state, signal)
      return this.#join(state, signal)
    }
    if (state.created === undefined) throw new Error('an attempt of a withdrawn claim')
    if (!response.succeeded) return this.#stands(state, signal)
    const found = this.#lines.found(state, response, gone.length)
    return this.#answer(state, this.#lines.of(state, found, { before: state.created, after }), signal)
  }

  /** The answer for a claim that an earlier attempt has put in line. */
  async #stands(state: ClaimState, signal: AbortSignal, most = keysToSee(state.claim)): Promise<Answer> {
    const line = await this.#look(state, signal, most)
    if (line) return this.#answer(state, line, signal)
    throw new UnavailableError('the claim was removed from etcd while it waited')
  }

  /**
   * Puts the key only if the claim then holds at once; otherwise leaves nothing behind. `since` is a revision at which
   * there was room: if no key was created since then, there still is. With 0 the line must be empty.
   */
  async #tryJoin(state: ClaimState, signal: AbortSignal, since = 0n, tries = triesMax): Promise<Answer> {
    const { claim, keys } = state
    const { key, line: range, records, tombstone } = keys
    const noDead = records ? [noneSince(records, since)] : []
    const free = [noneSince(range, since), absent(key), absent(tombstone), ...marked(state), ...noDead]
    const otherwise = withMark(state, [get(key), ...look(keys, keysToRead(claim))])
    const request = txn(free, putClaim(claim, keys), otherwise)
    const response = await change([state], () => this.#transport.txn(request, signal))
    const revision = BigInt(response.header.revision)
    state.created = response.succeeded ? revision : createRevision(response)
    if (state.created !== undefined) return admitted(state, revision)
    if (lacksMark(state, response)) {
      await mark(this.#transport, this.#lines, state, signal)
      return this.#tryJoin(state, signal, since, tries)
    }
    const line = this.#lines.of(state, this.#lines.found(state, response, 1))
    const whole = admits(line, claim) === undefined ? await this.#lines.whole(state, signal) : line
    await checkLine(this.#transport, state, whole, signal)
    const room = admits(whole, claim)
    await this.#delay.count(whole.dead, signal)
    if (room && tries > 1) return this.#tryJoin(state, signal, revision, tries - 1)
    return waiting(whole, claim)
  }

  /** Reads the line ahead of a claim. Undefined if the claim itself no longer stands. */
  async #look(
    state: ClaimState,
    signal: AbortSignal,
    most = keysToSee(state.claim),
  ): Promise<Line | undefined> {
    const { own, line } = await this.#looks.at(state, signal, most)
    if (await stands(this.#transport, state, own, signal)) return line()
    // If one of its keys was deleted, the others would keep the claim from a new place in line.
    if (state.weight > 1) await this.#transport.txn(txn([], removeClaim(state.keys)), signal)
    state.created = undefined
    return undefined
  }

  /** At once if nobody stands in the line, as mostly: a promise more would cost each cycle some microseconds. */
  #answer(state: ClaimState, line: Line, signal: AbortSignal): Answer | Promise<Answer> {
    const isEmpty = line.complete && line.ahead.length === 0 && line.dead.length === 0
    return isEmpty ? admitted(state, line.revision) : this.#checked(state, line, signal)
  }

  async #checked(state: ClaimState, line: Line, signal: AbortSignal): Promise<Answer> {
    const room = admits(line, state.claim)
    if (room === undefined) return this.#stands(state, signal, 0)
    if (line.ahead.length > 0)
      this.#lines.leased(state, await checkLine(this.#transport, state, line, signal))
    if (line.dead.length > 0) await this.#delay.count(line.dead, signal)
    if (room) return admitted(state, line.revision)
    return { ...waiting(line, state.claim), line }
  }
}

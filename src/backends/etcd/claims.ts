// The life of a claim in etcd, each step as one transaction. Owns what the client knows of each claim: where its key
// stands, and whether a request for it may still arrive.
import type { ITxnRequest, ITxnResponse } from 'etcd3'
import { RefusedError, SessionGoneError, UnavailableError } from '../../base/errors.ts'
import type { Admitted, Claim, Waiting } from '../../contract.ts'
import type { Tombstones } from '../shared/tombstones.ts'
import { checkCrowd } from './crowd.ts'
import type { Layout } from './layout.ts'
import {
  admits,
  checkKind,
  checkLeases,
  keysToRead,
  type Line,
  maybeUnleased,
  readLine,
  waiting,
} from './line.ts'
import type { LockDelay } from './lock-delay.ts'
import {
  absent,
  createdAt,
  createRevision,
  get,
  getAll,
  latest,
  leases,
  noneSince,
  put,
  read,
  removeAll,
  txn,
} from './operations.ts'
import { admitted, type ClaimState, ownPuts, stands } from './own-key.ts'
import { Reads } from './reads.ts'
import { untilAdmitted, untilDeleted } from './waits.ts'
import type { Transport } from './wire/transport.ts'

/** An answer to a claim. A waiting answer carries the line that it was read from. */
export type Answer = Admitted | Queueing
interface Queueing extends Waiting {
  /** Undefined if the claim does not stand in line. */
  readonly line?: Line
}

const triesMax = 8

/** The claims of one client. */
export class Claims {
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #delay: LockDelay
  readonly #tombstones: Tombstones
  readonly #reads: Reads
  readonly #states = new WeakMap<Claim, ClaimState>()
  /** Whether new claims have a number in their key: a mutex that is kept has the key of its session alone. */
  numbered = false

  constructor(transport: Transport, layout: Layout, delay: LockDelay, tombstones: Tombstones) {
    this.#transport = transport
    this.#reads = new Reads(transport)
    this.#layout = layout
    this.#delay = delay
    this.#tombstones = tombstones
  }

  async attempt(claim: Claim, signal: AbortSignal): Promise<Answer> {
    const state = this.of(claim)
    if (state.unanswered) await checkCrowd(this.#transport, state.keys.line, signal)
    const line = state.created === undefined ? undefined : await this.#look(state, signal)
    if (line) return this.#answer(state, line, signal)
    return claim.wait ? this.#join(state, signal) : this.#tryJoin(state, signal)
  }

  /** Waits for the deletion of the key in the way. For a holder that is its own key. */
  async changed(claim: Claim, answer: Answer, signal: AbortSignal): Promise<Answer | undefined> {
    const state = this.of(claim)
    const { key, own, line: range } = state.keys
    if (answer.held) return untilDeleted(this.#transport, own, signal)
    const { line } = answer
    if (!line) return undefined
    const { permits, weight } = claim
    const queued = { key, permits, weight, range, line, proven: this.#delay.ms === 0 }
    const revision = await untilAdmitted(this.#transport, queued, () => this.#look(state, signal), signal)
    return revision === undefined ? undefined : admitted(state, revision)
  }

  async withdraw(claim: Claim, signal: AbortSignal): Promise<void> {
    const state = this.of(claim)
    const { keys, created, unanswered } = state
    if (state.isKept) return void this.#states.delete(claim)
    const { key, own, lease, tombstone } = keys
    const gone = [removeAll(own), ...this.#delay.forget(keys)]
    if (unanswered) {
      // An attempt that arrives later finds the tombstone. So does this request if it arrives twice.
      const bury = [put(tombstone, '', lease), ...gone]
      await this.#transport.txn(txn([absent(tombstone)], bury), signal)
      this.#tombstones.note(tombstone)
    } else if (created !== undefined) {
      // The session's next claim of a mutex has the same key. Other keys are of this claim alone, and some may be gone.
      const asMade = claim.permits === 1 ? [createdAt(key, created)] : []
      await this.#transport.txn(txn(asMade, gone), signal)
    }
    this.#states.delete(claim)
  }

  async verify(claim: Claim, signal: AbortSignal): Promise<boolean> {
    const state = this.of(claim)
    return stands(this.#transport, state, await this.#reads.all(state.keys.own, signal), signal)
  }

  /** The knowledge of this claim, kept until it is withdrawn. */
  of(claim: Claim): ClaimState {
    const known = this.#states.get(claim)
    if (known) return known
    const keys = this.#layout.claimKeys(claim, this.numbered)
    const { value, weight } = claim
    const state = { claim, keys, value, weight, version: 1n, unanswered: false, kept: new Set<string>() }
    this.#states.set(claim, state)
    return state
  }

  /** Joins the line: one transaction puts the key unless it exists, and reads the claims ahead. */
  async #join(state: ClaimState, signal: AbortSignal): Promise<Answer> {
    const { claim, keys } = state
    const { key } = keys
    const line = latest(keys.line, keysToRead(claim))
    const own = [...ownPuts(state), ...this.#delay.note(keys)]
    const free = [absent(key), absent(keys.tombstone)]
    const join = txn(free, [line, ...this.#delay.look(claim), ...own], [get(key)])
    const response = await this.#change(state, join, signal)
    const revision = BigInt(response.header.revision)
    state.created = response.succeeded ? revision : createRevision(response, 0)
    if (state.created === undefined) throw new Error('an attempt of a withdrawn claim')
    if (!response.succeeded) return this.#stands(state, signal)
    return this.#answer(state, this.#lineOf(claim, response, 1), signal)
  }

  /** The answer for a claim that an earlier attempt has put in line. */
  async #stands(state: ClaimState, signal: AbortSignal, most = keysToRead(state.claim)): Promise<Answer> {
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
    const { key, line: range, tombstone } = keys
    const free = [noneSince(range, since), absent(key), absent(tombstone), ...this.#delay.none(claim, since)]
    const own = [...ownPuts(state), ...this.#delay.note(keys)]
    const look = [latest(range, keysToRead(claim)), get(key), ...this.#delay.look(claim)]
    const request = txn(free, own, look)
    const response = await this.#change(state, request, signal)
    const revision = BigInt(response.header.revision)
    state.created = response.succeeded ? revision : createRevision(response)
    if (state.created !== undefined) return admitted(state, revision)
    const line = this.#lineOf(claim, response, 2)
    await this.#check(state, line, signal)
    const whole = admits(line, claim) === undefined ? await this.#readAll(state, signal) : line
    const room = admits(whole, claim)
    await this.#delay.count(whole.dead, signal)
    if (room && tries > 1) return this.#tryJoin(state, signal, revision, tries - 1)
    return waiting(whole, claim)
  }

  /** Reads the line ahead of a claim. Undefined if the claim itself no longer stands. */
  async #look(
    state: ClaimState,
    signal: AbortSignal,
    most = keysToRead(state.claim),
  ): Promise<Line | undefined> {
    const { claim, created } = state
    const { own, line } = state.keys
    const look = [latest(line, most, created), getAll(own), ...this.#delay.look(claim)]
    const response = await this.#transport.txn(txn([], look), signal)
    if (!(await stands(this.#transport, state, read(response.responses, 1).kvs, signal))) {
      await this.#removeRest(state, signal)
      state.created = undefined
      return undefined
    }
    return this.#lineOf(claim, response, 2, created)
  }

  /** Removes the keys of a claim of which somebody deleted one: they would keep it from a new place in line. */
  async #removeRest({ weight, keys }: ClaimState, signal: AbortSignal): Promise<void> {
    const rest = [removeAll(keys.own), ...this.#delay.forget(keys)]
    if (weight > 1) await this.#transport.txn(txn([], rest), signal)
  }

  /** The line in an answer. `place` is the place of the records in the answer, if there are any. */
  #lineOf({ name }: Claim, { header, responses }: ITxnResponse, place: number, before?: bigint): Line {
    const revision = BigInt(header.revision)
    const records = this.#delay.ms > 0 ? read(responses, place) : undefined
    return readLine(this.#layout, name, { revision, range: read(responses, 0), before, records })
  }

  /** Reads the whole line, for the rare case that its last few keys all belong to other names. */
  async #readAll({ claim, keys }: ClaimState, signal: AbortSignal): Promise<Line> {
    const look = [latest(keys.line, 0), ...this.#delay.look(claim)]
    return this.#lineOf(claim, await this.#transport.txn(txn([], look), signal), 1)
  }

  async #answer(state: ClaimState, line: Line, signal: AbortSignal): Promise<Answer> {
    await this.#check(state, line, signal)
    const room = admits(line, state.claim)
    if (room === undefined) return this.#stands(state, signal, 0)
    await this.#delay.count(line.dead, signal)
    if (room) return admitted(state, line.revision)
    return { ...waiting(line, state.claim), line }
  }

  /**
   * Throws ConflictError if the claim cannot stand in this line. etcd since 3.7 does not name the leases of the claims
   * ahead, so they are read separately: once for each claim, since no key is ever put ahead of an older one.
   */
  async #check(state: ClaimState, line: Line, signal: AbortSignal): Promise<void> {
    const { claim, keys, created, checked } = state
    const unsure = maybeUnleased(line)
    const [newest, oldest] = [unsure[0], unsure.at(-1)]
    if (newest && oldest && (created === undefined || checked !== created)) {
      const ask = leases(keys.line, oldest.created, newest.created)
      const { responses } = await this.#transport.txn(txn([], [ask]), signal)
      checkLeases(unsure, read(responses, 0), claim)
      state.checked = created
    }
    checkKind(line, claim)
  }

  /** Sends a change of the store. Remembers if it got no answer, since it may then still be applied. */
  async #change(state: ClaimState, request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse> {
    const before = state.unanswered
    state.unanswered = true
    try {
      const response = await this.#transport.txn(request, signal)
      state.unanswered = before
      return response
    } catch (error) {
      const refused = error instanceof SessionGoneError || error instanceof RefusedError
      if (refused) state.unanswered = before
      throw error
    }
  }
}

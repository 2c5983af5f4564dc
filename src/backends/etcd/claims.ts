// What becomes of a claim in etcd, each step as one transaction. Owns what is known of each claim: where its key stands,
// and whether a request of it may still arrive.
import type { ITxnRequest, ITxnResponse } from 'etcd3'
import type { Admitted, Attempt, Claim, Waiting } from '../../backend.ts'
import { RefusedError, SessionGoneError, UnavailableError } from '../../errors.ts'
import { type Layout, leaseOf } from './layout.ts'
import { admits, checkKind, checkLeases, type Line, maybeUnleased, readLine, whatToWatch } from './line.ts'
import {
  absent,
  createdAt,
  get,
  glance,
  latest,
  leases,
  noneSince,
  put,
  read,
  remove,
  txn,
} from './requests.ts'
import type { Transport } from './transport.ts'
import { untilChanged, untilDeleted } from './wait.ts'

/** What is known of a claim's key. */
export interface Entry {
  readonly claim: Claim
  readonly key: string
  /** The create revision of the key, once the store has told it. */
  created?: bigint | undefined
  /** The create revision of the key at which all that stood ahead of it was seen to have leases. */
  checked?: bigint | undefined
  /** Whether an attempt was given up without an answer, so that it may yet arrive. */
  unanswered: boolean
}

const triesMax = 8

/** The claims of one client. */
export class Claims {
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #entries = new WeakMap<Claim, Entry>()

  constructor(transport: Transport, layout: Layout) {
    this.#transport = transport
    this.#layout = layout
  }

  async attempt(claim: Claim, signal: AbortSignal): Promise<Attempt> {
    const entry = this.#entry(claim)
    const line = entry.created === undefined ? undefined : await this.#look(entry, signal)
    if (line) return this.#answer(entry, line, signal)
    return claim.wait ? this.#join(entry, signal) : this.#tryJoin(entry, signal)
  }

  async withdraw(claim: Claim, signal: AbortSignal): Promise<void> {
    const { key, created, unanswered } = this.#entry(claim)
    const tombstone = this.#layout.tombstone(claim)
    if (unanswered) {
      // What arrives later finds the tombstone; and so does this request, should it arrive twice.
      const bury = [put(tombstone, '', leaseOf(claim.session)), remove(key)]
      await this.#transport.txn(txn([absent(tombstone)], bury), signal)
    } else if (created !== undefined) {
      await this.#transport.txn(txn([createdAt(key, created)], [remove(key)]), signal)
    }
    this.#entries.delete(claim)
  }

  async verify(claim: Claim, signal: AbortSignal): Promise<boolean> {
    const { key, created } = this.#entry(claim)
    const { responses } = await this.#transport.txn(txn([], [get(key)]), signal)
    return created !== undefined && read(responses, 0).kvs[0]?.create_revision === String(created)
  }

  /** The key of a claim that holds, with its create revision; undefined where the store never told one. */
  standing(claim: Claim): { key: string; created: bigint } | undefined {
    const { key, created } = this.#entry(claim)
    return created === undefined ? undefined : { key, created }
  }

  #entry(claim: Claim): Entry {
    const entry = this.#entries.get(claim) ?? { claim, key: this.#layout.claim(claim), unanswered: false }
    this.#entries.set(claim, entry)
    return entry
  }

  /** Stands in line: puts the key unless it is there, and reads who came before it, all at once. */
  async #join(entry: Entry, signal: AbortSignal): Promise<Attempt> {
    const { claim, key } = entry
    const line = latest(this.#layout.line(claim.name), keysToRead(claim))
    const own = put(key, claim.value, leaseOf(claim.session))
    const free = [absent(key), absent(this.#layout.tombstone(claim))]
    const response = await this.#change(entry, txn(free, [line, own], [get(key)]), signal)
    const revision = BigInt(response.header.revision)
    entry.created = response.succeeded ? revision : createRevision(response, 0)
    if (entry.created === undefined) throw new Error('an attempt of a withdrawn claim')
    if (!response.succeeded) return this.#stands(entry, signal)
    const range = read(response.responses, 0)
    return this.#answer(entry, readLine(this.#layout, claim.name, { revision, range }), signal)
  }

  /** The answer for a claim that an earlier attempt has put in line. */
  async #stands(entry: Entry, signal: AbortSignal, keys = keysToRead(entry.claim)): Promise<Attempt> {
    const line = await this.#look(entry, signal, keys)
    if (line) return this.#answer(entry, line, signal)
    throw new UnavailableError('the claim was removed from etcd while it waited')
  }

  /**
   * Puts the key only if that makes it a holder at once; otherwise leaves nothing behind. `since` is a revision at
   * which there was room: if nobody has come since, there still is. For 0: if nobody is there at all.
   */
  async #tryJoin(entry: Entry, signal: AbortSignal, since = 0n, tries = triesMax): Promise<Attempt> {
    const { claim, key } = entry
    const range = this.#layout.line(claim.name)
    const free = [noneSince(range, since), absent(key), absent(this.#layout.tombstone(claim))]
    const own = put(key, claim.value, leaseOf(claim.session))
    const request = txn(free, [own], [latest(range, keysToRead(claim)), get(key)])
    const response = await this.#change(entry, request, signal)
    const revision = BigInt(response.header.revision)
    entry.created = response.succeeded ? revision : createRevision(response)
    if (entry.created !== undefined) return this.#admitted(entry, revision)
    const line = readLine(this.#layout, claim.name, { revision, range: read(response.responses, 0) })
    await this.#check(entry, line, signal)
    const room = admits(line, claim.limit) ?? admits(await this.#readAll(claim, signal), claim.limit)
    if (room && tries > 1) return this.#tryJoin(entry, signal, revision, tries - 1)
    return {
      held: false,
      ahead: Math.max(1, line.ahead.length - claim.limit + 1),
      changed: async () => undefined,
    }
  }

  /** Reads the line before a claim; undefined when the claim itself no longer stands. */
  async #look(entry: Entry, signal: AbortSignal, keys = keysToRead(entry.claim)): Promise<Line | undefined> {
    const { claim, key, created } = entry
    const line = latest(this.#layout.line(claim.name), keys, created)
    const response = await this.#transport.txn(txn([], [line, get(key)]), signal)
    if (created === undefined || createRevision(response) !== created) {
      entry.created = undefined
      return undefined
    }
    const revision = BigInt(response.header.revision)
    return readLine(this.#layout, claim.name, {
      revision,
      range: read(response.responses, 0),
      before: created,
    })
  }

  /** The whole line, for the rare case that the last few keys of it all belong to other names. */
  async #readAll(claim: Claim, signal: AbortSignal): Promise<Line> {
    const response = await this.#transport.txn(txn([], [latest(this.#layout.line(claim.name), 0)]), signal)
    const revision = BigInt(response.header.revision)
    return readLine(this.#layout, claim.name, { revision, range: read(response.responses, 0) })
  }

  async #answer(entry: Entry, line: Line, signal: AbortSignal): Promise<Attempt> {
    await this.#check(entry, line, signal)
    const room = admits(line, entry.claim.limit)
    if (room === undefined) return this.#stands(entry, signal, 0)
    return room ? this.#admitted(entry, line.revision) : this.#waiting(entry, line)
  }

  /**
   * Throws ConflictError if the claim cannot stand in this line. Where etcd does not tell the leases of those ahead, which
   * is so since 3.7, it is asked for them: once for each claim, since nothing comes to stand ahead of it later.
   */
  async #check(entry: Entry, line: Line, signal: AbortSignal): Promise<void> {
    const { claim, created, checked } = entry
    const unsure = maybeUnleased(line)
    const [newest, oldest] = [unsure[0], unsure.at(-1)]
    if (newest && oldest && (created === undefined || checked !== created)) {
      const ask = leases(this.#layout.line(claim.name), oldest.created, newest.created)
      const { responses } = await this.#transport.txn(txn([], [ask]), signal)
      checkLeases(unsure, read(responses, 0), claim)
      entry.checked = created
    }
    checkKind(line, claim)
  }

  /**
   * A mutex has the revision of the answer or event that admitted it, as Go and etcdctl do. A semaphore may admit two
   * at one revision: there the place in line is the token, which grows in the order of admission too. So it does for a
   * candidate, since observers see nothing else; it is what Go's Election calls its revision.
   */
  #admitted(entry: Entry, revision: bigint): Admitted {
    const { limit, candidate } = entry.claim
    const token = limit === 1 && !candidate ? revision : (entry.created as bigint)
    return { held: true, token, changed: (signal) => untilDeleted(this.#transport, entry.key, signal) }
  }

  #waiting(entry: Entry, line: Line): Waiting {
    const { claim, key } = entry
    const { limit, name } = claim
    const watch = whatToWatch(line, { key, limit, line: this.#layout.line(name) })
    const look = (signal: AbortSignal): Promise<Line | undefined> => this.#look(entry, signal)
    const admitted = (revision: bigint): Attempt => this.#admitted(entry, revision)
    const waiter = { transport: this.#transport, key, limit, line, watch, look, admitted }
    const changed = (signal: AbortSignal): Promise<Attempt | undefined> => untilChanged(waiter, signal)
    return { held: false, ahead: line.ahead.length - limit + 1, changed }
  }

  /** Sends what changes the store, and keeps in mind if no answer came: then it may still be applied. */
  async #change(entry: Entry, request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse> {
    const before = entry.unanswered
    entry.unanswered = true
    try {
      const response = await this.#transport.txn(request, signal)
      entry.unanswered = before
      return response
    } catch (error) {
      const refused = error instanceof SessionGoneError || error instanceof RefusedError
      if (refused) entry.unanswered = before
      throw error
    }
  }
}

/** A mutex needs its predecessor; a semaphore has to count. */
function keysToRead({ limit }: Claim): number {
  return limit === 1 ? glance : 0
}

/** When the claim's own key was created, by an answer that reads it in this place. */
function createRevision({ responses }: ITxnResponse, place = 1): bigint | undefined {
  const own = read(responses, place).kvs[0]
  return own && BigInt(own.create_revision)
}

// The contract over etcd: each question as one transaction, so that a free lock costs one request to take and one to
// give back. Owns what is known of each claim: where its key stands, and whether a request of it may still arrive.
import type { ITxnRequest, ITxnResponse } from 'etcd3'
import type {
  Admitted,
  Attempt,
  Backend,
  Claim,
  Facts,
  SessionGrant,
  Standing,
  Waiting,
} from '../../backend.ts'
import type { Clock } from '../../clock.ts'
import { RefusedError, SessionGoneError, UnavailableError } from '../../errors.ts'
import { Checkpoints } from './checkpoint.ts'
import type { Layout } from './layout.ts'
import { admits, checkKind, type Line, readLine, whatToWatch } from './line.ts'
import {
  absent,
  createdAt,
  get,
  glance,
  inOrder,
  latest,
  noneSince,
  put,
  read,
  remove,
  txn,
} from './requests.ts'
import type { Transport } from './transport.ts'
import { untilChanged, untilDeleted } from './wait.ts'

/** etcd counts in whole seconds and, with its default election timeout, grants at least 2 of them. */
const facts: Facts = {
  scheme: 'etcd',
  ttlMs: { min: 2_000, max: 9_000_000_000_000, default: 15_000 },
  fair: true,
  lockDelayMs: 0,
  checkpointBytesMax: 1_048_576,
}

/** What is known of a claim's key. */
export interface Entry {
  readonly claim: Claim
  readonly key: string
  /** The create revision of the key, once the store has told it. */
  created?: bigint | undefined
  /** Whether an attempt was given up without an answer, so that it may yet arrive. */
  unanswered: boolean
}

const triesMax = 8

/** One client of an etcd cluster. */
export class EtcdBackend implements Backend {
  readonly facts: Facts = facts
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #clock: Clock
  readonly #entries = new WeakMap<Claim, Entry>()
  readonly #checkpoints: Checkpoints

  constructor(transport: Transport, layout: Layout, clock: Clock) {
    this.#transport = transport
    this.#layout = layout
    this.#clock = clock
    this.#checkpoints = new Checkpoints(transport, layout)
  }

  async createSession(ttlMs: number, signal: AbortSignal): Promise<SessionGrant> {
    const id = this.#clock.id().toString(16)
    try {
      const seconds = await this.#transport.grant(leaseOf(id), Math.ceil(ttlMs / 1_000), signal)
      return { id, ttlMs: seconds * 1_000 }
    } catch (error) {
      // Perhaps granted all the same: an empty lease harms nobody, but need not stay either.
      this.#transport.revoke(leaseOf(id), new AbortController().signal).catch(() => {})
      throw error
    }
  }

  renewSession(session: string, signal: AbortSignal): Promise<void> {
    return this.#transport.keepAlive(leaseOf(session), signal)
  }

  destroySession(session: string, signal: AbortSignal): Promise<void> {
    return this.#transport.revoke(leaseOf(session), signal)
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

  async list(name: string, signal: AbortSignal): Promise<Standing[]> {
    const { responses } = await this.#transport.txn(txn([], [inOrder(this.#layout.line(name))]), signal)
    const claims = read(responses, 0).kvs.flatMap((kv) => {
      const found = this.#layout.parse(name, kv.key.toString())
      return found ? [{ ...found, value: kv.value.toString() }] : []
    })
    const limit = claims[0]?.limit ?? 1
    return claims.map(({ session, value }, index) => ({ session, value, held: index < limit }))
  }

  async writeCheckpoint(claim: Claim, text: string, signal: AbortSignal): Promise<boolean> {
    const { key, created } = this.#entry(claim)
    return created !== undefined && this.#checkpoints.write({ claim, key, created }, text, signal)
  }

  readCheckpoint(name: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#checkpoints.read(name, signal)
  }

  async close(): Promise<void> {
    this.#transport.close()
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
    const response = await this.#change(entry, txn(free, [line, own], [line, get(key)]), signal)
    const revision = BigInt(response.header.revision)
    entry.created = response.succeeded ? revision : createRevision(response)
    if (entry.created === undefined) throw new Error('an attempt of a withdrawn claim')
    const range = read(response.responses, 0)
    const view = readLine(this.#layout, claim.name, { revision, range, before: entry.created })
    return this.#answer(entry, view, signal)
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
    checkKind(line, claim)
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
    checkKind(line, entry.claim)
    const room = admits(line, entry.claim.limit)
    if (room === undefined) {
      const whole = await this.#look(entry, signal, 0)
      if (whole) return this.#answer(entry, whole, signal)
      throw new UnavailableError('the claim was removed from etcd while it waited')
    }
    return room ? this.#admitted(entry, line.revision) : this.#waiting(entry, line)
  }

  /**
   * A mutex has the revision of the answer or event that admitted it, as Go and etcdctl do. A semaphore may admit two
   * at one revision: there the place in line is the token, which grows in the order of admission too.
   */
  #admitted(entry: Entry, revision: bigint): Admitted {
    const token = entry.claim.limit === 1 ? revision : (entry.created as bigint)
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

/** etcd's ids are decimal on the wire and hexadecimal in keys. */
function leaseOf(session: string): string {
  return BigInt(`0x${session}`).toString()
}

/** A mutex needs its predecessor; a semaphore has to count. */
function keysToRead({ limit }: Claim): number {
  return limit === 1 ? glance : 0
}

/** When the claim's own key was created, by an answer that reads it in second place. */
function createRevision({ responses }: ITxnResponse): bigint | undefined {
  const own = read(responses, 1).kvs[0]
  return own && BigInt(own.create_revision)
}

// The contract over etcd. Owns sessions, which are leases. claims.ts has the methods about claims; the rest is in
// lock-delay.ts, fenced.ts, observe.ts and operator.ts.

import type { Clock } from '../../base/clock.ts'
import type {
  Backend,
  Claim,
  Facts,
  Kept,
  NameState,
  Observation,
  Overtaking,
  Renewal,
  SessionGrant,
  Standing,
  StoreKey,
} from '../../contract.ts'
import { aloneMost } from '../shared/joint.ts'
import { Tombstones } from '../shared/tombstones.ts'
import { Claims } from './claims.ts'
import { FencedWrites } from './fenced.ts'
import { groupMax } from './group.ts'
import { Joint } from './joint.ts'
import { KnownLines } from './known-lines.ts'
import { type Layout, leaseOf, type Namespace } from './layout.ts'
import { Lines } from './lines.ts'
import { LockDelay } from './lock-delay.ts'
import { leaderChanged, observe, type Seen } from './observe.ts'
import { put, remove, txn } from './operations.ts'
import { breakHold, checkpoints, line, overtake, survey } from './operator.ts'
import { Portions } from './portions.ts'
import { sharingWatches } from './shared-watches.ts'
import type { Transport } from './wire/transport.ts'

/** The time to live that is used by default. */
export const ttlDefaultMs = 15_000

/** etcd counts in whole seconds. With its default election timeout it grants at least 2 s. */
const facts: Omit<Facts, 'lockDelayMs' | 'endsEarly' | 'endFreesAll' | 'groupMax'> = {
  scheme: 'etcd',
  ttlMs: { min: 2_000, max: 9_000_000_000_000, default: ttlDefaultMs },
  keepMs: { min: 2_000, max: 9_000_000_000_000 },
  handoff: true,
  fair: true,
  electionMs: 0,
  freesOnCrash: false,
  answersAtOnce: false,
  answersLater: true,
  leavesSignals: true,
  requestsAtOnce: 128,
  weightMax: 100, // a claim has a key for each permit, and a transaction of etcd takes 128 changes
  checkpointBytesMax: 1_048_576,
  valueBytesMax: 1_048_576,
}

/** One client of an etcd cluster. */
export class EtcdBackend extends Claims implements Backend {
  readonly facts: Facts
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #delay: LockDelay
  readonly #tombstones: Tombstones
  readonly #writes: FencedWrites
  readonly #namespace: Namespace

  /**
   * `lockDelayMs` is the option of that name; 0 means none. `alone` is the number of transactions under way from which on others go
   * together.
   */
  constructor(wire: Transport, layout: Layout, clock: Clock, lockDelayMs = 0, alone: number = aloneMost) {
    const known = new KnownLines(clock)
    const transport = sharingWatches(known.watching(wire))
    const delay = new LockDelay(transport, layout, clock, lockDelayMs)
    const portions = new Portions()
    const tombstones = new Tombstones(clock, (keys, signal) =>
      portions.send(keys, 1, async (some) => [await transport.txn(txn([], some.map(remove)), signal)]),
    )
    const lines = new Lines(transport, layout, known)
    const joint = new Joint(transport, clock, portions, alone)
    super(transport, joint, portions, lines, layout, delay, tombstones)
    const isDelayed = lockDelayMs > 0
    this.facts = {
      ...facts,
      ...{ lockDelayMs, endsEarly: isDelayed, endFreesAll: !isDelayed, groupMax: groupMax(lockDelayMs) },
    }
    this.#transport = transport
    this.#clock = clock
    this.#delay = delay
    this.#tombstones = tombstones
    this.#writes = new FencedWrites(transport, layout)
    this.#namespace = { transport, layout }
  }

  async createSession(ttlMs: number, signal: AbortSignal): Promise<SessionGrant> {
    const id = this.#clock.id().toString(16)
    try {
      const seconds = await this.#transport.grant(leaseOf(id), Math.ceil(ttlMs / 1_000), signal)
      await this.#delay.open(id, signal)
      return { id, ttlMs: seconds * 1_000 }
    } catch (error) {
      // The lease may have been granted anyway. An empty lease does no harm, but it need not stay.
      this.#transport.revoke(leaseOf(id), new AbortController().signal).catch(() => {})
      throw error
    }
  }

  async renewSession(session: string, signal: AbortSignal): Promise<Renewal> {
    await Promise.all([
      this.#transport.keepAlive(leaseOf(session), signal),
      this.#delay.confirm(session, signal),
    ])
    this.#tombstones.tidy(signal).catch(() => {}) // the next renewal tries again
    return { lost: [] }
  }

  destroySession(session: string, signal: AbortSignal): Promise<void> {
    return this.#transport.revoke(leaseOf(session), signal)
  }

  shrink(claim: Claim, signal: AbortSignal): Promise<boolean> {
    return this.#writes.shrink(this.of(claim), signal)
  }

  async keep(claim: Claim, kept: Kept, signal: AbortSignal): Promise<boolean> {
    const state = this.of(claim)
    const { keys, unanswered } = state
    this.numbered = true
    // An attempt that arrives after the kept time must find a tombstone, as after a withdrawal.
    const bury = unanswered ? [put(keys.tombstone, '', keys.lease)] : []
    const also = [...bury, ...(keys.record === undefined ? [] : [remove(keys.record)])]
    const stood = await this.#writes.keep(
      state,
      { ...kept, lease: this.#clock.id().toString(), also },
      signal,
    )
    if (stood && unanswered) this.#tombstones.note(keys.tombstone)
    return stood
  }

  line(name: string, signal: AbortSignal): Promise<Standing[]> {
    return line(this.#namespace, name, signal)
  }

  survey(prefix: string, signal: AbortSignal): Promise<NameState[]> {
    return survey(this.#namespace, prefix, signal)
  }

  break(name: string, token: bigint, signal: AbortSignal): Promise<boolean> {
    return breakHold(this.#namespace, name, token, signal)
  }

  overtake(name: string, overtaking: Overtaking, signal: AbortSignal): Promise<boolean> {
    return overtake(this.#namespace, name, overtaking, signal)
  }

  writeCheckpoint(claim: Claim, text: string, signal: AbortSignal): Promise<boolean> {
    return this.#writes.checkpoint(this.of(claim), text, signal)
  }

  proclaim(claim: Claim, value: string, signal: AbortSignal): Promise<boolean> {
    return this.#writes.proclaim(this.of(claim), value, signal)
  }

  observe(name: string, signal: AbortSignal): Promise<Observation> {
    return observe(this.#namespace, name, signal)
  }

  leaderChanged(name: string, seen: Seen, signal: AbortSignal): Promise<Observation | undefined> {
    return leaderChanged(this.#namespace, name, seen, signal)
  }

  readCheckpoint(name: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#writes.read(name, signal)
  }

  checkpoints(prefix: string, signal: AbortSignal): Promise<Map<string, string>> {
    return checkpoints(this.#namespace, prefix, signal)
  }

  key(claim: Claim): StoreKey | undefined {
    const { keys, created } = this.of(claim)
    return created === undefined ? undefined : { name: keys.key, revision: created }
  }

  async close(): Promise<void> {
    this.#transport.close()
  }
}

// A simulated etcd cluster: leases that expire, and watches that lag, break or lose events. Simulates what a real cluster
// does over time. state.ts has the data, transport.ts the connection to a client.
import type { ITxnRequest, ITxnResponse } from 'etcd3'
import type { Write } from '../../backends/etcd/wire/transport.ts'
import { RefusedError, SessionGoneError } from '../../base/errors.ts'
import type { Channel } from '../network.ts'
import type { Random } from '../random.ts'
import { SimHost } from '../server.ts'
import type { World } from '../world.ts'
import { type Change, EtcdState, InvalidRequest, LeaseNotFound } from './state.ts'

/** A message of a watch. */
export type WatchMessage =
  | { readonly created: bigint }
  | { readonly deleted: readonly { readonly key: string; readonly revision: bigint }[] }
  | { readonly written: readonly Write[] }

/** The faults of this cluster, each in cases out of a hundred. */
export interface EtcdFaults {
  /** Watches from a lagging member, which begin in the past. */
  readonly lagging: number
  /** Events that are never sent. Real servers have done that. */
  readonly forgotten: number
  /** Watches that the server ends after a while. */
  readonly cancelled: number
  /** Renewals that are acknowledged although the lease is gone. Real servers have done that. */
  readonly falseRenewals: number
}

/** A cluster without faults. */
export const soundEtcd: EtcdFaults = { lagging: 0, forgotten: 0, cancelled: 0, falseRenewals: 0 }

interface Lease {
  readonly ttlMs: number
  /** Its end, in the time of the world. */
  endsMs: number
  cancelExpiry: () => void
}

/** The range that a client watches. */
export interface WatchRange {
  readonly key: string
  readonly end?: string | undefined
  /** Whether the watch also reports writes. */
  readonly writes: boolean
}

interface Watcher {
  readonly range: WatchRange
  readonly channel: Channel<WatchMessage>
  readonly lagMs: number
}

/** A cluster of etcd members that acts as one server, which sometimes does not answer. */
export class SimEtcd {
  readonly host: SimHost
  readonly state: EtcdState
  readonly #world: World
  readonly #random: Random
  readonly #leases = new Map<string, Lease>()
  readonly #watchers = new Set<Watcher>()
  readonly #history: Change[] = []
  faults: EtcdFaults = soundEtcd

  /** `committed` is called with every change in the order of revisions: the truth, for checkers. */
  constructor(world: World, committed: (changes: readonly Change[]) => void = () => {}) {
    this.#world = world
    this.#random = world.random('etcd')
    this.host = new SimHost(world, 'etcd')
    this.state = new EtcdState((changes) => {
      this.#history.push(...changes)
      for (const { kind, key, revision } of changes)
        world.note(`etcd ${revision} ${kind} ${JSON.stringify(key)}`)
      committed(changes)
      this.#tell(changes)
    })
    // Half of the simulated clusters behave like etcd up to 3.6, the others like 3.7.
    this.state.keysNameLeases = world.random('line of etcd').percent(50)
  }

  /** All leases, with or without keys. At the end of a run none may be left. */
  get leases(): readonly string[] {
    return [...this.#leases.keys()]
  }

  get watchers(): number {
    return this.#watchers.size
  }

  /** Runs a transaction, as `KV.Txn` does. */
  txn(request: ITxnRequest): ITxnResponse {
    try {
      return this.state.txn(request)
    } catch (error) {
      if (error instanceof LeaseNotFound) throw new SessionGoneError(`etcd: ${error.message}`)
      if (error instanceof InvalidRequest) throw new RefusedError(`etcd: ${error.message}`)
      throw error
    }
  }

  /** Grants a lease, and returns its time to live in seconds. */
  grant(lease: string, ttlSeconds: number): number {
    if (this.#leases.has(lease)) throw new RefusedError('etcd: lease already exists')
    this.state.grant(lease)
    const granted: Lease = { ttlMs: ttlSeconds * 1_000, endsMs: 0, cancelExpiry: () => {} }
    this.#leases.set(lease, granted)
    this.#restart(lease, granted)
    return ttlSeconds
  }

  /** Gives the lease its whole time again. Throws SessionGoneError if there is none of this id, unless a fault hides that. */
  keepAlive(lease: string): void {
    const granted = this.#leases.get(lease)
    if (granted) {
      this.#restart(lease, granted)
    } else if (this.#random.percent(this.faults.falseRenewals)) {
      this.#world.mark('false renewal')
    } else {
      throw new SessionGoneError('etcd: requested lease not found')
    }
  }

  /** Ends a lease and deletes its keys. */
  revoke(lease: string): void {
    this.#leases.get(lease)?.cancelExpiry()
    this.#leases.delete(lease)
    this.state.revoke(lease)
  }

  /** Ends a lease early, as a leader does that was stopped, and continues without the renewals at its successor. */
  endEarly(lease: string): void {
    this.#world.mark('lease ended early')
    this.#world.note(`etcd lease ${lease} ended early`)
    this.revoke(lease)
  }

  /** The seconds that the lease has left; undefined if there is none of this id. */
  timeToLive(lease: string): number | undefined {
    const granted = this.#leases.get(lease)
    return granted && Math.max(0, Math.floor((granted.endsMs - this.#world.nowMs) / 1_000))
  }

  /** Sends the changes of a range to the channel, until the returned function is called. */
  watch(range: WatchRange, channel: Channel<WatchMessage>): () => void {
    const lags = this.#random.percent(this.faults.lagging)
    const watcher: Watcher = { range, channel, lagMs: lags ? this.#random.between(1, 300) : 0 }
    if (lags) this.#replay(watcher)
    else channel.send({ created: this.state.revision })
    this.#watchers.add(watcher)
    if (this.#random.percent(this.faults.cancelled)) {
      this.#world.after(this.#random.between(1, 5_000), () => this.#cancel(watcher))
    }
    return () => this.#watchers.delete(watcher)
  }

  /** The cluster does not answer for a while. Then every lease has its whole time to live again. */
  changeLeader(ms: number): void {
    this.#world.mark('leader change')
    this.host.pause(ms)
    for (const [lease, granted] of this.#leases) {
      granted.cancelExpiry()
      granted.endsMs = this.#world.nowMs + ms + granted.ttlMs
      granted.cancelExpiry = this.#world.after(ms + granted.ttlMs, () => this.#expire(lease))
    }
  }

  /** Breaks all connections; data and leases stay. */
  restart(ms: number): void {
    for (const watcher of [...this.#watchers]) this.#cancel(watcher)
    this.changeLeader(ms)
    this.host.crash(ms)
  }

  #cancel(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher)) return
    this.#world.mark('watch broken')
    watcher.channel.fail()
  }

  #restart(lease: string, granted: Lease): void {
    granted.cancelExpiry()
    // etcd checks twice a second which leases are over.
    const lateMs = this.#random.between(0, 500)
    granted.endsMs = this.#world.nowMs + granted.ttlMs
    granted.cancelExpiry = this.#world.after(granted.ttlMs + lateMs, () => this.#expire(lease))
  }

  #expire(lease: string): void {
    this.#world.mark('lease expired')
    this.#world.note(`etcd lease ${lease} expired`)
    this.revoke(lease)
  }

  /** A lagging member starts the watch at an older state, and sends the events since then as if they happened now. */
  #replay(watcher: Watcher): void {
    this.#world.mark('watch from a lagging member')
    const seen = this.#history.slice(-this.#random.between(0, 5))
    const begin = (seen[0]?.revision ?? this.state.revision + 1n) - 1n
    watcher.channel.send({ created: begin })
    this.#send(watcher, seen)
  }

  #tell(changes: readonly Change[]): void {
    for (const watcher of this.#watchers) {
      if (this.#random.percent(this.faults.forgotten)) this.#world.mark('watch event lost')
      else if (watcher.lagMs === 0) this.#send(watcher, changes)
      else this.#world.after(watcher.lagMs, () => this.#send(watcher, changes))
    }
  }

  #send({ range, channel }: Watcher, changes: readonly Change[]): void {
    const covered = changes.filter(({ key }) => covers(range.key, range.end, key))
    const ofKind = (wanted: Change['kind']) =>
      covered
        .filter(({ kind }) => kind === wanted)
        .map(({ key, revision, value }) => ({ key, revision, value }))
    const [written, deleted] = [range.writes ? ofKind('put') : [], ofKind('deleted')]
    if (written.length > 0) channel.send({ written })
    if (deleted.length > 0) channel.send({ deleted })
  }
}

function covers(from: string, end: string | undefined, key: string): boolean {
  if (end === undefined) return key === from
  const bytes = Buffer.from(key)
  return (
    Buffer.compare(bytes, Buffer.from(from)) >= 0 &&
    (end === '\0' || Buffer.compare(bytes, Buffer.from(end)) < 0)
  )
}

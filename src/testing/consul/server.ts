// A simulated Consul datacenter: sessions that live up to twice their time to live, lock-delays, and blocking reads that
// return without a change. Simulates what a real one does over time; state.ts has the data.
import type {
  Operation,
  SessionPlan,
  Snapshot,
  Target,
  TxnOutcome,
  Wait,
} from '../../backends/consul/wire/transport.ts'
import { SessionGoneError } from '../../base/errors.ts'
import type { Announcement } from '../../contract.ts'
import type { Random } from '../random.ts'
import { SimHost } from '../server.ts'
import type { World } from '../world.ts'
import { ConsulState, InvalidSession } from './state.ts'

/** The faults of this datacenter, each in cases out of a hundred. */
export interface ConsulFaults {
  /** Blocking reads that return without a change. */
  readonly spurious: number
  /** Blocking reads that answer with an older state, as a leader that is cut off does. */
  readonly stale: number
  /** Blocking reads whose index has fallen back, as after a restored snapshot. */
  readonly reset: number
  /** Renewals that succeed although the session is gone, as with a leader that is cut off. */
  readonly falseRenewals: number
}

/** A datacenter without faults. */
export const soundConsul: ConsulFaults = { spurious: 0, stale: 0, reset: 0, falseRenewals: 0 }

interface Session {
  readonly plan: SessionPlan
  cancelExpiry: () => void
}

/** The node of a session, which is that of the agent unless another one was asked for. */
const nodeOf = ({ plan }: Session): string => plan.node ?? 'agent'

interface Blocked {
  readonly target: Target
  readonly wake: () => void
}

/** A datacenter that acts as one server, which sometimes does not answer. */
export class SimConsul {
  readonly host: SimHost
  readonly state: ConsulState
  readonly #world: World
  readonly #random: Random
  readonly #sessions = new Map<string, Session>()
  readonly #blocked = new Set<Blocked>()
  readonly #services = new Map<string, { readonly service: Announcement; readonly untilMs: number }>()
  readonly #delays = new Map<string, number>()
  readonly #past: Map<string, Snapshot> = new Map()
  faults: ConsulFaults = soundConsul

  /** `committed` is called with every change: the truth, for checkers. */
  constructor(world: World, committed: () => void = () => {}) {
    this.#world = world
    this.#random = world.random('consul')
    this.host = new SimHost(world, 'consul')
    this.state = new ConsulState((index, keys) => {
      world.note(`consul ${index} ${keys.join(' ')}`)
      committed()
      for (const blocked of [...this.#blocked])
        if (keys.some((key) => covers(blocked.target, key))) blocked.wake()
    })
  }

  get blocked(): number {
    return this.#blocked.size
  }

  /** Opens a session, and returns its id. */
  createSession(plan: SessionPlan): string {
    const id = this.#random.id().toString(16).padStart(16, '0')
    this.state.createSession(id)
    const session: Session = { plan, cancelExpiry: () => {} }
    this.#sessions.set(id, session)
    this.#restart(id, session)
    return id
  }

  /** Gives the session its whole time again. Throws SessionGoneError if there is none of this id, unless a fault hides that. */
  renewSession(id: string): void {
    const session = this.#sessions.get(id)
    if (session) {
      this.#restart(id, session)
    } else if (this.#random.percent(this.faults.falseRenewals)) {
      this.#world.mark('false renewal')
    } else {
      throw new SessionGoneError(`consul: Session id '${id}' not found`)
    }
  }

  /** Reads a session consistently, and returns its node. Throws SessionGoneError if there is none of this id. */
  confirmSession(id: string): string {
    const session = this.#sessions.get(id)
    if (!session) throw new SessionGoneError(`consul: there is no session ${id}`)
    return nodeOf(session)
  }

  /** Reads the sessions of a node consistently. */
  listSessions(node: string): string[] {
    return [...this.#sessions].filter(([, session]) => nodeOf(session) === node).map(([id]) => id)
  }

  /** Ends a session. Its keys are released, and closed for its lock-delay. */
  destroySession(id: string): void {
    const session = this.#sessions.get(id)
    session?.cancelExpiry()
    this.#sessions.delete(id)
    const untilMs = this.#world.nowMs + (session?.plan.lockDelayMs ?? 0)
    this.state.destroySession(id, (key) => this.#delays.set(key, untilMs))
  }

  /** The services of the agent whose checks pass. */
  get passing(): string[] {
    return [...this.#services].filter(([, { untilMs }]) => untilMs > this.#world.nowMs).map(([id]) => id)
  }

  /** Puts a service into the catalog, as healthy for its `forMs`. */
  registerService(service: Announcement): void {
    this.#services.set(service.id, { service, untilMs: this.#world.nowMs + service.forMs })
  }

  /** Marks the check of a service as passed. Returns whether there is such a service. */
  passCheck(id: string): boolean {
    const known = this.#services.get(id)
    if (known) this.registerService(known.service)
    return known !== undefined
  }

  /** Removes a service from the catalog. */
  deregisterService(id: string): void {
    this.#services.delete(id)
  }

  /** Ends a session early, as when its server died, a check of its node failed, or its node was deregistered. */
  endEarly(id: string): void {
    this.#world.mark('session ended early')
    this.#world.note(`consul session ${id} ended early`)
    this.destroySession(id)
  }

  /** Runs a transaction, all or nothing, as `/v1/txn` does. */
  txn(operations: readonly Operation[]): TxnOutcome {
    const delayed = (key: string): boolean => (this.#delays.get(key) ?? 0) > this.#world.nowMs
    try {
      const outcome = this.state.txn(operations, delayed)
      if (!outcome.applied && outcome.failures.some(({ reason }) => reason.includes('lock delay'))) {
        this.#world.mark('lock-delay')
      }
      return outcome
    } catch (error) {
      if (error instanceof InvalidSession) throw new SessionGoneError(`consul: ${error.message}`)
      throw error
    }
  }

  /** Reads keys consistently. */
  read(target: Target): Snapshot {
    return this.state.read(target)
  }

  /**
   * Answers when the index has passed, when the time is over, and sometimes for no reason. A server that is cut off has an
   * old copy, and nothing wakes its reads.
   */
  block(target: Target, { index, waitMs }: Wait, isCutOff = false): Promise<Snapshot> {
    return new Promise((resolve) => {
      const blocked: Blocked = {
        target,
        wake: () => {
          this.#blocked.delete(blocked)
          stop()
          resolve(isCutOff ? this.#old(target) : this.#believed(target))
        },
      }
      const longMs = waitMs * (1 + this.#random.fraction() / 16)
      const spurious = this.#random.percent(this.faults.spurious)
      const stop = this.#world.after(spurious ? this.#random.fraction() * longMs : longMs, blocked.wake)
      if (isCutOff) return
      this.#blocked.add(blocked)
      if (this.state.read(target).index > index) blocked.wake()
    })
  }

  /** The datacenter does not answer for a while. Then every session has its whole time again, twice its TTL. */
  changeLeader(ms: number): void {
    this.#world.mark('leader change')
    this.host.pause(ms)
    for (const [id, session] of this.#sessions) {
      session.cancelExpiry()
      session.cancelExpiry = this.#world.after(ms + 2 * session.plan.ttlMs, () => this.#expire(id))
    }
  }

  /** Breaks all connections for this long; data and sessions stay. */
  restart(ms: number): void {
    this.changeLeader(ms)
    this.host.crash(ms)
  }

  /** The answer of a server that may no longer be the leader. */
  #believed(target: Target): Snapshot {
    const name = JSON.stringify(target)
    const now = this.state.read(target)
    const past = this.#past.get(name)
    this.#past.set(name, now)
    if (past && this.#random.percent(this.faults.stale)) {
      this.#world.mark('stale read')
      return past
    }
    if (!this.#random.percent(this.faults.reset)) return now
    this.#world.mark('index reset')
    return { ...now, index: 1 }
  }

  /** The copy of a server that is cut off, as of the last answer to this read. */
  #old(target: Target): Snapshot {
    this.#world.mark('stale read')
    return this.#past.get(JSON.stringify(target)) ?? this.state.read(target)
  }

  #restart(id: string, session: Session): void {
    session.cancelExpiry()
    // Consul promises the time to live and takes twice that. The simulation draws either.
    const lifeMs = session.plan.ttlMs * (this.#random.percent(30) ? 1 : 2)
    session.cancelExpiry = this.#world.after(lifeMs + this.#random.between(0, 100), () => this.#expire(id))
  }

  #expire(id: string): void {
    this.#world.mark('session expired')
    this.#world.note(`consul session ${id} expired`)
    this.destroySession(id)
  }
}

function covers(target: Target, key: string): boolean {
  return 'key' in target ? key === target.key : key.startsWith(target.prefix)
}

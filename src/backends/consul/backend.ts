// Answers the contract from Consul. Owns the facts of the store, and the choice of the protocol for a claim: mutex.ts
// or semaphore.ts. operator.ts answers the questions of people.
import { hostname } from 'node:os'
import type { Clock } from '../../base/clock.ts'
import type {
  Announcement,
  Attempt,
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
import { Tombstones } from '../shared/tombstones.ts'
import { Checks } from './checks.ts'
import { Claims, type Protocol } from './claims.ts'
import { FencedWrites } from './fenced.ts'
import { Joint } from './joint.ts'
import { keep } from './keep.ts'
import type { Layout } from './layout.ts'
import { deletion, Leaving } from './leaving.ts'
import { Mutexes } from './mutex.ts'
import { leaderChanged, type Observed, observe, type Seen } from './observe.ts'
import { breakHold, checkpoints, line, overtake, survey } from './operator.ts'
import { PermitSessions } from './permit-sessions.ts'
import { Semaphores } from './semaphore.ts'
import { Waits } from './waits.ts'
import type { SessionPlan, Transport } from './wire/transport.ts'

/** The settings that all sessions of a client share. */
export interface ConsulBackendOptions extends Pick<SessionPlan, 'checks' | 'node' | 'lockDelayMs'> {
  readonly layout: Layout
  readonly clock: Clock
  /** The longest time for which a connection is idle, if it is not the usual one. */
  readonly idleMs?: number | undefined
  /**
   * Whether the deadline counts the time to live and not the lock-delay. Then two clients may believe at once that they
   * hold.
   */
  readonly unsafeTwoMayHold?: boolean | undefined
  /** The number of transactions under way from which on others share requests, if it is not the usual one. */
  readonly alone?: number | undefined
}

/** The longest lock-delay that Consul applies, even if a session asks for more. */
const lockDelayMostMs = 60_000
/** After a crash the lock is free when twice the time to live and the lock-delay are over: 60 s with the defaults. */
const ttlDefaultMs = 15_000
/**
 * In elections with Consul's own settings a renewal was answered after up to 21 s, and the next may be sent 2 s late.
 */
const electionMs = 24_000

/** The largest checkpoint fits, in base64, into a transaction of 512 KiB. */
const facts: Omit<Facts, 'lockDelayMs' | 'endsEarly'> = {
  scheme: 'consul',
  ttlMs: { min: 10_000, max: 86_400_000, default: ttlDefaultMs },
  keepMs: { min: 10_000, max: 86_400_000 },
  handoff: true,
  electionMs,
  fair: true,
  freesOnCrash: false,
  answersAtOnce: false,
  requestsAtOnce: 64,
  checkpointBytesMax: 375_000,
  valueBytesMax: 375_000,
  catalog: true,
}

/** One client of a Consul datacenter. */
export class ConsulBackend implements Backend {
  readonly facts: Facts
  readonly #transport: Transport
  readonly #options: ConsulBackendOptions
  readonly #waits: Waits
  readonly #sessions: PermitSessions
  readonly #tombstones: Tombstones
  readonly #claims: Claims
  readonly #leaving: Leaving
  readonly #mutexes: Mutexes
  readonly #semaphores: Semaphores
  readonly #writes: FencedWrites
  readonly #namespace: Observed
  readonly #checks: Checks

  constructor(transport: Transport, options: ConsulBackendOptions) {
    this.#waits = new Waits(transport, options.clock, options.idleMs)
    const { lockDelayMs, unsafeTwoMayHold = false } = options
    this.facts = { ...facts, lockDelayMs, endsEarly: !unsafeTwoMayHold }
    this.#transport = transport
    this.#options = options
    this.#sessions = new PermitSessions(transport, options.clock, this.facts)
    this.#tombstones = new Tombstones(options.clock, deletion(transport))
    const joint = (purpose?: 'gives back') => new Joint(transport, options.clock, options.alone, purpose)
    this.#claims = new Claims(transport, joint(), options.layout)
    this.#leaving = new Leaving(transport, joint('gives back'), this.#tombstones)
    this.#mutexes = new Mutexes(transport, this.#claims, this.#leaving, this.#waits)
    const [claims, leaving, waits, sessions] = [this.#claims, this.#leaving, this.#waits, this.#sessions]
    this.#semaphores = new Semaphores(transport, { claims, leaving, waits, sessions })
    this.#checks = new Checks(transport)
    this.#writes = new FencedWrites(transport, options.layout)
    this.#namespace = { transport, layout: options.layout, waits: this.#waits }
  }

  async createSession(ttlMs: number, signal: AbortSignal): Promise<SessionGrant> {
    const { checks, node, lockDelayMs } = this.#options
    const name = `leasehold on ${hostname()} (pid ${process.pid})`
    const id = await this.#sessions.create({ name, ttlMs, checks, node, lockDelayMs }, signal)
    return { id, ttlMs }
  }

  async renewSession(session: string, signal: AbortSignal): Promise<Renewal> {
    const renewal = await this.#sessions.renew(session, signal)
    this.#tombstones.tidy(signal).catch(() => {}) // the next renewal tries again
    return renewal
  }

  destroySession(session: string, signal: AbortSignal): Promise<void> {
    return this.#sessions.destroy(session, signal)
  }

  attempt(claim: Claim, signal: AbortSignal): Promise<Attempt> {
    return this.#protocol(claim).attempt(this.#claims.of(claim), signal)
  }

  changed(claim: Claim, answer: Attempt, signal: AbortSignal): Promise<Attempt | undefined> {
    return this.#protocol(claim).changed(this.#claims.of(claim), answer, signal)
  }

  async withdraw(claim: Claim, signal: AbortSignal): Promise<void> {
    const state = this.#claims.of(claim)
    const protocol = this.#protocol(claim)
    if (state.isKept) {
      const { permitSession } = state
      if (permitSession) this.#sessions.giveBack(claim, permitSession)
      this.#claims.forget(claim)
      return
    }
    if (state.unanswered) {
      await this.#leaving.bury(state, signal)
      await protocol.verify(state, signal) // an attempt whose answer was lost may have made it hold
    }
    await protocol.release(state, signal)
    this.#claims.forget(claim)
  }

  async replace(old: Claim, next: Claim, signal: AbortSignal): Promise<Attempt> {
    const state = this.#claims.of(next)
    const answer = await this.#mutexes.replace(this.#claims.of(old), state, signal)
    if (!answer) await this.withdraw(old, signal)
    else this.#claims.forget(old)
    return answer ?? this.attempt(next, signal)
  }

  shrink(claim: Claim, signal: AbortSignal): Promise<boolean> {
    return this.#semaphores.shrink(this.#claims.of(claim), signal)
  }

  keep(claim: Claim, kept: Kept, signal: AbortSignal): Promise<boolean> {
    const { node } = this.#options
    const keeper = { transport: this.#transport, leaving: this.#leaving, node }
    return keep(keeper, this.#claims.of(claim), this.#protocol(claim), kept, signal)
  }

  async verify(claim: Claim, signal: AbortSignal): Promise<boolean> {
    const state = this.#claims.of(claim)
    const isMutex = claim.permits === 1
    if (isMutex && state.held && (await this.#checks.unchanged({ ...state.held }, signal))) return true
    return this.#protocol(claim).verify(state, signal)
  }

  line(name: string, signal: AbortSignal): Promise<Standing[]> {
    return line(this.#namespace, name, signal)
  }

  checkpoints(prefix: string, signal: AbortSignal): Promise<Map<string, string>> {
    return checkpoints(this.#namespace, prefix, signal)
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
    return this.#writes.checkpoint(this.#claims.of(claim), this.#protocol(claim), text, signal)
  }

  proclaim(claim: Claim, value: string, signal: AbortSignal): Promise<boolean> {
    return this.#writes.proclaim(this.#claims.of(claim), this.#protocol(claim), value, signal)
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

  key(claim: Claim): StoreKey | undefined {
    return this.#claims.key(claim)
  }

  async announce(announcement: Announcement, signal: AbortSignal): Promise<void> {
    const isKnown = await this.#transport.passCheck(announcement.id, signal)
    if (!isKnown) await this.#transport.registerService(announcement, signal)
  }

  retract(id: string, signal: AbortSignal): Promise<void> {
    return this.#transport.deregisterService(id, signal)
  }

  async close(): Promise<void> {
    this.#waits.close()
    this.#transport.close()
  }

  #protocol({ permits }: Claim): Protocol {
    return permits === 1 ? this.#mutexes : this.#semaphores
  }
}

/** The default lock-delay for sessions of this time to live. */
export function usualLockDelayMs(ttlMs: number = ttlDefaultMs): number {
  return Math.min(2 * ttlMs, lockDelayMostMs)
}

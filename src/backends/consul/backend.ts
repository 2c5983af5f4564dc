// The contract over Consul. Owns what the store is like, and which protocol a claim follows; claims.ts, mutex.ts and
// semaphore.ts have the rest, operator.ts what people ask.
import { hostname } from 'node:os'
import type { Clock } from '../../base/clock.ts'
import type {
  Attempt,
  Backend,
  Claim,
  Facts,
  NameState,
  Observation,
  SessionGrant,
  Standing,
} from '../../contract.ts'
import { Claims, type Protocol } from './claims.ts'
import { FencedWrites } from './fenced.ts'
import type { Layout } from './layout.ts'
import { Mutexes } from './mutex.ts'
import { Observer } from './observe.ts'
import { Operator } from './operator.ts'
import { SlotSessions } from './permit-sessions.ts'
import { Semaphores } from './semaphore.ts'
import { Waits } from './waits.ts'
import type { SessionPlan, Transport } from './wire/transport.ts'

/** What all sessions of a client have in common. */
export interface ConsulBackendOptions extends Pick<SessionPlan, 'checks' | 'node' | 'lockDelayMs'> {
  readonly layout: Layout
  readonly clock: Clock
}

/**
 * A leader election of Consul takes 10 to 20 s, and no renewal succeeds meanwhile: hence the default. A checkpoint has
 * to fit into a transaction of 512 KiB, in base64.
 */
const facts: Omit<Facts, 'lockDelayMs'> = {
  scheme: 'consul',
  ttlMs: { min: 10_000, max: 86_400_000, default: 30_000 },
  fair: true,
  freesOnCrash: false,
  answersAtOnce: false,
  checkpointBytesMax: 375_000,
  valueBytesMax: 375_000,
}

/** One client of a Consul datacenter. */
export class ConsulBackend implements Backend {
  readonly facts: Facts
  readonly #transport: Transport
  readonly #options: ConsulBackendOptions
  readonly #waits: Waits
  readonly #sessions: SlotSessions
  readonly #claims: Claims
  readonly #mutexes: Mutexes
  readonly #semaphores: Semaphores
  readonly #writes: FencedWrites
  readonly #observer: Observer
  readonly #operator: Operator

  constructor(transport: Transport, options: ConsulBackendOptions) {
    this.#waits = new Waits(transport, options.clock)
    this.facts = { ...facts, lockDelayMs: options.lockDelayMs }
    this.#transport = transport
    this.#options = options
    this.#sessions = new SlotSessions(transport)
    this.#claims = new Claims(transport, options.layout)
    this.#mutexes = new Mutexes(transport, this.#claims, this.#waits)
    this.#semaphores = new Semaphores(transport, this.#claims, this.#waits, this.#sessions)
    this.#writes = new FencedWrites(transport, options.layout)
    this.#observer = new Observer(transport, options.layout, this.#waits)
    this.#operator = new Operator(transport, options.layout)
  }

  async createSession(ttlMs: number, signal: AbortSignal): Promise<SessionGrant> {
    const { checks, node, lockDelayMs } = this.#options
    const name = `leasehold on ${hostname()} (pid ${process.pid})`
    const id = await this.#sessions.create({ name, ttlMs, checks, node, lockDelayMs }, signal)
    return { id, ttlMs }
  }

  renewSession(session: string, signal: AbortSignal): Promise<void> {
    return this.#sessions.renew(session, signal)
  }

  destroySession(session: string, signal: AbortSignal): Promise<void> {
    return this.#sessions.destroy(session, signal)
  }

  attempt(claim: Claim, signal: AbortSignal): Promise<Attempt> {
    return this.#protocol(claim).attempt(this.#claims.of(claim), signal)
  }

  withdraw(claim: Claim, signal: AbortSignal): Promise<void> {
    return this.#claims.withdraw(claim, this.#protocol(claim), signal)
  }

  verify(claim: Claim, signal: AbortSignal): Promise<boolean> {
    return this.#protocol(claim).verify(this.#claims.of(claim), signal)
  }

  line(name: string, signal: AbortSignal): Promise<Standing[]> {
    return this.#operator.line(name, signal)
  }

  survey(prefix: string, signal: AbortSignal): Promise<NameState[]> {
    return this.#operator.survey(prefix, signal)
  }

  break(name: string, token: bigint, signal: AbortSignal): Promise<boolean> {
    return this.#operator.break(name, token, signal)
  }

  writeCheckpoint(claim: Claim, text: string, signal: AbortSignal): Promise<boolean> {
    return this.#writes.checkpoint(this.#claims.of(claim), this.#protocol(claim), text, signal)
  }

  proclaim(claim: Claim, value: string, signal: AbortSignal): Promise<boolean> {
    return this.#writes.proclaim(this.#claims.of(claim), this.#protocol(claim), value, signal)
  }

  observe(name: string, signal: AbortSignal): Promise<Observation> {
    return this.#observer.observe(name, signal)
  }

  readCheckpoint(name: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#writes.read(name, signal)
  }

  async close(): Promise<void> {
    this.#waits.close()
    this.#transport.close()
  }

  #protocol({ permits }: Claim): Protocol {
    return permits === 1 ? this.#mutexes : this.#semaphores
  }
}

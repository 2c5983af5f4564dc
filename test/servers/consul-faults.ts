// The Consul of one test file, and a network in front of it. By itself the network loses, delays and repeats nothing:
// a test sets the fate of each write. Owns the questions that tests ask without Leasehold: which keys and sessions
// exist.
import { afterAll, beforeAll, beforeEach, onTestFinished, vi } from 'vitest'
import { ConsulBackend } from '../../src/backends/consul/backend.ts'
import { consul } from '../../src/backends/consul/index.ts'
import { Layout } from '../../src/backends/consul/layout.ts'
import type { ConsulOptions } from '../../src/backends/consul/options.ts'
import { ConsulClient } from '../../src/backends/consul/wire/client.ts'
import { server } from '../../src/backends/consul/wire/servers.ts'
import type { Operation, Transport } from '../../src/backends/consul/wire/transport.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import type { BackendSource } from '../../src/contract.ts'
import { type ConnectOptions, type Leasehold, UnavailableError } from '../../src/index.ts'
import { ask } from '../../tools/servers/loopback.mjs'
import {
  type ConsulCluster,
  type Member,
  type ConsulOptions as ServerOptions,
  startConsul,
} from '../../tools/servers/run.mjs'
import { failOnComplaints, open } from './etcd.ts'

/** A key in Consul. */
export interface StoredKey {
  readonly Key: string
  readonly Value: string | null
  readonly Session?: string
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

/** A session in Consul. */
export interface StoredSession {
  readonly ID: string
  readonly Name: string
  /** The server with which it ends. */
  readonly Node: string
}

/** Starts a Consul for the tests of a file. A test fails if Node emits a warning meanwhile. */
export function useConsul(options: ServerOptions = {}): TestConsul {
  const store = new TestConsul()
  beforeAll(async () => {
    store.cluster = await startConsul(options)
  })
  afterAll(() => store.cluster?.close())
  failOnComplaints()
  return store
}

/** The same, but for each test, since a server that was lost and is back behaves differently for a while. */
export function useConsulEach(options: ServerOptions): TestConsul {
  const store = new TestConsul()
  beforeEach(async () => {
    store.cluster = await startConsul(options)
    // Handlers run in reverse order: this one after the clients are closed.
    onTestFinished(() => store.cluster.close())
  })
  failOnComplaints()
  return store
}

export class TestConsul {
  cluster!: ConsulCluster

  get endpoints(): string[] {
    return this.cluster.members.map(({ endpoint }) => endpoint)
  }

  /** A separate client, closed at the end of the test. */
  client(namespace: string, options: ConsulOptions & ConnectOptions = {}): Promise<Leasehold> {
    const { ttlMs, clock, ...others } = options
    return open(consul({ endpoints: this.endpoints, namespace, ...others }), { ttlMs, clock })
  }

  /** The URL for a separate process. */
  url(namespace: string): string {
    return `consul://${this.endpoints.join(',')}/${namespace}`
  }

  /** The entries under a prefix, in the order of their keys, by a consistent read. */
  async keys(prefix = '', member?: Member): Promise<StoredKey[]> {
    const answer = await this.#ask(`kv/${encodeURIComponent(prefix)}?recurse&consistent`, {}, member)
    return answer.status === 404 ? [] : JSON.parse(answer.body)
  }

  /**
   * The names of those keys, without checkpoints, which stay, and without markers of withdrawn claims, which stay as
   * long as their session.
   */
  async names(prefix = ''): Promise<string[]> {
    const keys = (await this.keys(prefix)).map(({ Key }) => Key)
    return keys.filter((key) => !/\/\.checkpoint$|\/\.withdrawn\//.test(key))
  }

  /** The sessions of Leasehold. The harness has others, to see whether Consul is healthy. */
  async sessions(): Promise<StoredSession[]> {
    const all: StoredSession[] = JSON.parse((await this.#ask('session/list?consistent')).body)
    return all.filter(({ Name }) => Name.startsWith('leasehold'))
  }

  async destroy(session: string): Promise<void> {
    await this.#ask(`session/destroy/${session}`, { method: 'PUT' })
  }

  /** The session that holds a mutex, by its key. */
  async holder(key: string): Promise<string | undefined> {
    return (await this.keys(key)).find(({ Key }) => Key === key)?.Session
  }

  /** Resolves with the tickets of a line, in order, once it has this many. */
  line(namespace: string, name: string, length: number): Promise<StoredKey[]> {
    const look = async (): Promise<StoredKey[]> => {
      const tickets = await this.keys(`${namespace}${name}/.line/`)
      if (tickets.length !== length) throw new Error(`${tickets.length} of ${length} tickets for ${name}`)
      return tickets.sort((one, other) => one.CreateIndex - other.CreateIndex)
    }
    return vi.waitFor(look, { timeout: 10_000, interval: 10 })
  }

  async #ask(path: string, options: object = {}, member?: Member): Promise<{ status: number; body: string }> {
    const asked = member ?? this.cluster.members.find(({ state }) => state === 'running')
    const answer = await ask(`http://${asked?.endpoint}/v1/${path}`, { timeoutMs: 9_000, ...options })
    if (answer?.status === 200 || answer?.status === 404) return answer
    throw new Error(`Consul answered ${answer?.status} to ${path}: ${answer?.body}`)
  }
}

/** The fate of a write. */
export type Fate =
  | 'delivered'
  /** It fails before it is sent. */
  | 'unsent'
  /** It is applied, and the answer is lost. */
  | 'unanswered'
  /** Its sender learns at once that there is no answer, and it is applied later. */
  | 'late'
  /** The same, but its sender learns nothing, and waits as long as it likes. */
  | 'hanging'

/** The purpose of a write, by its effect. */
export type Kind =
  | 'session'
  | 'end of session'
  | 'take'
  | 'join'
  | 'take from the line'
  | 'release'
  | 'release from the line'
  | 'leave'
  | 'burial'
  | 'tidying'
  | 'checkpoint'
  | 'new index'
  | 'slot'
  | 'slot from the line'
  | 'give up slot'
  /** A change of the list that puts claims of others on it, too. */
  | 'call'
  /** A claim that others have put on the list makes its key anew. */
  | 'called key'
  | 'own key'
  /** A transaction that only asks: whether the own place and the one ahead still stand. */
  | 'look'
  | 'verification'
  /** Several mutexes that are taken or given back in one transaction. */
  | 'together'

/** A write on its way: its number and its purpose. */
export interface Write {
  /** Its number among all writes of the network, from 0. */
  readonly index: number
  readonly kind: Kind
}

type Decide = (write: Write) => Fate

/** The network between clients and Consul. */
export class Network {
  /** The fate of each write. */
  readonly log: string[] = []
  decide: Decide = () => 'delivered'
  /** Whether a read arrives. */
  hears: () => boolean = () => true
  /** Called with each write just before it is sent. */
  before: (write: Write) => Promise<void> = async () => {}
  readonly #address: string
  readonly #clock: Clock
  readonly #direct: ConsulClient
  readonly #kept: { readonly write: Write; readonly send: () => Promise<unknown> }[] = []
  #writes = 0

  constructor(address: string, clock: Clock = systemClock()) {
    this.#address = address
    this.#clock = clock
    this.#direct = this.#connect()
  }

  /** For `connect`. */
  source(namespace: string, { lockDelayMs = 15_000 } = {}): BackendSource {
    const open = async (clock: Clock) =>
      new ConsulBackend(this.#transport(), {
        layout: new Layout(namespace),
        clock,
        lockDelayMs,
        checks: [],
      })
    return { url: 'consul://through-a-network/', open }
  }

  /** Lets the next write of this kind have this fate. Resolves when it has come. */
  next(kind: Kind, fate: Fate): Promise<void> {
    return new Promise((resolve) => {
      this.decide = (write) => {
        if (write.kind !== kind) return 'delivered'
        this.decide = () => 'delivered'
        resolve()
        return fate
      }
    })
  }

  /** Delivers the late writes for which `which` returns true. Resolves when Consul has processed them. */
  async arrive(which: (write: Write) => boolean = () => true): Promise<void> {
    const due = this.#kept.filter(({ write }) => which(write))
    for (const each of due) {
      this.#kept.splice(this.#kept.indexOf(each), 1)
      // Consul rightly refuses most of them.
      const outcome = await each.send().catch((error: Error) => error.name)
      const applied = (outcome as { applied?: boolean })?.applied ?? outcome
      this.log.push(`${each.write.index} ${each.write.kind}: arrived, applied: ${applied}`)
    }
  }

  close(): void {
    this.#direct.close()
  }

  #connect(): ConsulClient {
    return new ConsulClient(this.#clock, [server(this.#address, {})])
  }

  #transport(): Transport {
    const inner = this.#connect()
    return {
      createSession: (plan, signal) =>
        this.#send('session', signal, (way, signal) => way.createSession(plan, signal), inner),
      renewSession: (session, signal) => inner.renewSession(session, signal),
      confirmSession: (session, signal) => inner.confirmSession(session, signal),
      listSessions: (node, signal) => inner.listSessions(node, signal),
      destroySession: (session, signal) =>
        this.#send('end of session', signal, (way, signal) => way.destroySession(session, signal), inner),
      txn: (operations, signal, purpose) =>
        this.#send(kindOf(operations), signal, (way, signal) => way.txn(operations, signal, purpose), inner),
      read: async (target, signal) => this.#heard() ?? inner.read(target, signal),
      block: async (target, wait, signal) => this.#heard() ?? inner.block(target, wait, signal),
      registerService: (service, signal) => inner.registerService(service, signal),
      passCheck: (service, signal) => inner.passCheck(service, signal),
      deregisterService: (service, signal) => inner.deregisterService(service, signal),
      close: () => inner.close(),
    }
  }

  #heard(): undefined {
    if (this.hears()) return
    this.log.push('a read: unsent')
    throw new UnavailableError('the network: unsent')
  }

  async #send<T>(
    kind: Kind,
    signal: AbortSignal,
    send: (way: Transport, signal: AbortSignal) => Promise<T>,
    inner: Transport,
  ): Promise<T> {
    const write = { index: this.#writes, kind }
    this.#writes += 1
    await this.before(write)
    const fate = this.decide(write)
    this.log.push(`${write.index} ${kind}: ${fate}`)
    if (fate === 'delivered') return send(inner, signal)
    if (fate === 'unanswered') await send(this.#direct, never)
    if (fate === 'late' || fate === 'hanging') {
      this.#kept.push({ write, send: () => send(this.#direct, never) })
    }
    if (fate === 'hanging') return aborted(signal)
    throw new UnavailableError(`the network: ${fate}`)
  }
}

const never = new AbortController().signal

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

/** Opens a network to the first server, closed at the end of the test. */
export function openNetwork(store: TestConsul, clock?: Clock): Network {
  const network = new Network(store.endpoints[0] ?? '', clock)
  onTestFinished(() => network.close())
  return network
}

/** The purpose of a transaction of Leasehold. */
export function kindOf(operations: readonly Operation[]): Kind {
  const has = (verb: string, key: RegExp): boolean =>
    operations.some((operation) => operation.verb === verb && key.test(operation.key))
  const changes = operations.filter(
    ({ verb, key }) => /^(lock|delete-cas)$/.test(verb) && /\/\.lock$/.test(key),
  )
  if (changes.length > 1) return 'together'
  const inLine = operations[0]?.verb === 'check-session'
  if (has('set', /\/\.line$/)) return 'join'
  if (has('set', /\/\.checkpoint$/)) return 'checkpoint'
  if (has('lock', /\/\.withdrawn\//)) return 'burial'
  if (operations.length === 2 && operations[1]?.verb === 'lock') return 'new index'
  if (has('check-index', /\/\.line\//)) return 'call'
  if (operations[0]?.verb === 'check-index' && has('get', /\/\.lock$/)) return 'called key'
  if (has('lock', /\/\.lock$/)) return inLine ? 'take from the line' : 'take'
  if (has('cas', /\/\.lock$/) && operations.some(({ verb }) => verb === 'lock')) {
    return inLine ? 'slot from the line' : 'slot'
  }
  if (has('delete-cas', /\/\.line$/) || has('cas', /\/\.line$/)) return 'tidying'
  if (operations.every(({ verb }) => verb === 'check-session')) return 'look'
  if (operations.every(({ verb }) => verb === 'check-index')) return 'verification'
  const own = operations.some(({ verb, key }) => verb === 'delete' && !/\/\.line\//.test(key))
  if (own && has(operations[0]?.verb ?? '', /\/\.lock$/)) return 'give up slot'
  const left = has('delete', /\/\.line\//)
  if (has('delete-cas', /\/\.lock$/)) return left ? 'release from the line' : 'release'
  if (operations.some(({ verb, key }) => verb === 'get-tree' && /\/\.lock$/.test(key))) return 'look'
  if (left || operations.every(({ verb }) => verb === 'get-tree' || verb === 'delete')) return 'leave'
  if (operations[0]?.verb === 'check-index') return 'own key'
  throw new Error(`unknown purpose: ${JSON.stringify(operations.map(({ verb, key }) => [verb, key]))}`)
}

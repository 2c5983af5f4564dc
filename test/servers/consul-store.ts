// The Consul of one test file, and the requests of a test that bypass Leasehold. Makes sure that each test
// closes its clients, leaves no key and no session behind, and fails on a warning or an unhandled rejection.
import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished } from 'vitest'
import { type ConsulOptions, consul } from '../../src/backends/consul/index.ts'
import { type ConnectOptions, connect, type Leasehold } from '../../src/index.ts'
import {
  type ConsulCluster,
  type ConsulOptions as ConsulServerOptions,
  startConsul,
} from '../../tools/servers/run.mjs'
import { until } from '../../tools/servers/wait.mjs'
import { failOnComplaints } from './etcd.ts'

/** The flags of Go's api.Lock and api.Semaphore on their keys. */
export const lockFlags = '3304740253564472344'
export const semaphoreFlags = '16210313421097356768'

/** A key in the store. */
export interface StoredKey {
  readonly key: string
  readonly value: string
  readonly flags: string
  readonly session: string | undefined
  readonly created: number
  readonly modified: number
}

/** An answer of the store. */
export interface Answer {
  readonly status: number
  readonly body: string
  readonly index: number
}

/** Starts one Consul for the tests of a file. Every test must leave it empty. */
export function useConsul(options: ConsulServerOptions = {}): TestConsul {
  const store = new TestConsul()
  beforeAll(async () => {
    store.cluster = await startConsul(options)
  })
  afterAll(() => store.close())
  // Handlers run in reverse order, so this one runs after the clients are closed.
  beforeEach(() => onTestFinished(() => store.expectEmpty()))
  failOnComplaints()
  return store
}

let names = 0

/** A name that no other test has. */
export function freshName(): string {
  names += 1
  return `test/${names}`
}

export class TestConsul {
  cluster!: ConsulCluster
  /** One connection for the whole file, so that it works even when the agent takes no more connections. */
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })

  async close(): Promise<void> {
    this.#agent.destroy()
    await this.cluster?.close()
  }

  /** `host:port` of the agent. */
  get host(): string {
    return new URL(this.cluster.address).host
  }

  /** A separate client with the shortest time to live that Consul takes, closed at the end of the test. */
  async client(options: ConsulOptions & ConnectOptions = {}): Promise<Leasehold> {
    const { ttlMs = 10_000, ...others } = options
    const client = await connect(consul({ endpoints: [this.host], ...others }), { ttlMs })
    onTestFinished(() => client.close())
    return client
  }

  clients(count: number, options: ConsulOptions & ConnectOptions = {}): Promise<Leasehold[]> {
    return Promise.all(Array.from({ length: count }, () => this.client(options)))
  }

  /** The entries under a prefix, in the order of creation. */
  async keys(prefix = ''): Promise<StoredKey[]> {
    const { status, body } = await this.ask('GET', `kv/${prefix}?recurse&consistent`)
    if (status === 404) return []
    const found: Record<string, string>[] = JSON.parse(body.replace(/"Flags":(\d+)/g, '"Flags":"$1"'))
    return found
      .map(({ Key, Value, Flags, Session, CreateIndex, ModifyIndex }) => ({
        key: Key ?? '',
        value: Buffer.from(Value ?? '', 'base64').toString(),
        flags: Flags ?? '',
        session: Session || undefined,
        created: Number(CreateIndex),
        modified: Number(ModifyIndex),
      }))
      .sort((one, other) => one.created - other.created)
  }

  async key(key: string): Promise<StoredKey | undefined> {
    return (await this.keys(key)).find((found) => found.key === key)
  }

  /** Resolves with the tickets of a line, in order, once it has this many of Leasehold. */
  line(name: string, length: number): Promise<StoredKey[]> {
    return until(
      async () => {
        const keys = await this.keys(`${name}/.line/`)
        return keys.length === length && keys
      },
      { describe: () => `${length} tickets of ${name}`, everyMs: 5 },
    )
  }

  /**
   * Resolves with the contenders for a semaphore (holders and waiters of Go, holders of Leasehold) once there are this
   * many.
   */
  contenders(name: string, count: number): Promise<StoredKey[]> {
    return until(
      async () => {
        const keys = await this.keys(`${name}/`)
        const found = keys.filter(({ key, session }) => session && key === `${name}/${session}`)
        return found.length === count && found
      },
      { describe: () => `${count} contenders for ${name}`, everyMs: 5 },
    )
  }

  async sessions(): Promise<{ ID: string; Name: string }[]> {
    return JSON.parse((await this.ask('GET', 'session/list')).body)
  }

  async destroySession(id = ''): Promise<void> {
    expect((await this.ask('PUT', `session/destroy/${id}`)).status).toBe(200)
  }

  /** Makes a session that is never renewed, and ends it at the end of the test. */
  async createSession(plan: object = {}): Promise<string> {
    const { body } = await this.ask(
      'PUT',
      'session/create',
      JSON.stringify({ Name: 'test', TTL: '60s', Checks: [], ...plan }),
    )
    const { ID } = JSON.parse(body)
    onTestFinished(() => this.destroySession(ID))
    return ID
  }

  /** Writes a key. `query` is that of Consul's API. Resolves with whether it was written. */
  async put(key: string, value: string, query = ''): Promise<boolean> {
    const { status, body } = await this.ask('PUT', `kv/${key}?${query}`, value)
    expect(status, body).toBe(200)
    return body.trim() === 'true'
  }

  async delete(key: string, query = ''): Promise<void> {
    expect((await this.ask('DELETE', `kv/${key}?${query}`)).status).toBe(200)
  }

  /** A number that every write of a key increases. */
  async index(): Promise<number> {
    return (await this.ask('GET', 'kv/?keys&consistent')).index
  }

  /** The number of connections that the agent counts. A client that has left counts until its blocking read is over. */
  async connections(): Promise<number> {
    const port = Number(new URL(this.cluster.address).port).toString(16).toUpperCase().padStart(4, '0')
    const sockets = (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1)
    const own = sockets
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local]) => local?.endsWith(`:${port}`))
    return own.filter(([, , , state]) => state === '01' || state === '08').length // established, close-wait
  }

  /** Fails if a test left anything, and removes it for the next test. */
  async expectEmpty(): Promise<void> {
    const keys = (await this.keys()).map(({ key }) => key)
    // The harness makes sessions without a name, to see whether Consul is healthy. If the lock of a `consul lock` was
    // broken, the process exits at once, sometimes before it has asked Consul to end its session. Consul ends that
    // session after its time to live.
    const all = await this.sessions()
    const sessions = all.filter(({ Name }) => Name !== '' && !Name.startsWith('Consul lock for '))
    await this.delete('', 'recurse')
    for (const { ID } of sessions) await this.destroySession(ID)
    expect({ keys, sessions: sessions.map(({ Name }) => Name) }).toEqual({ keys: [], sessions: [] })
  }

  ask(method: string, path: string, body?: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const url = `${this.cluster.address}/v1/${path}`
      const sent = request(url, { method, agent: this.#agent }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk
        })
        const index = Number(response.headers['x-consul-index'] ?? 0)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, index }))
        response.on('error', reject)
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }
}

// A Consul with tokens, TLS and a socket, for tests of the bare connection to it, and fake servers for what a real one
// does not do on demand. Owns that each test closes its clients and fakes.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo, Server as TcpServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import { ConsulClient } from '../../src/backends/consul/wire/client.ts'
import { type Server, server } from '../../src/backends/consul/wire/servers.ts'
import type { Access, SessionPlan } from '../../src/backends/consul/wire/transport.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { ownedFolder } from '../../tools/servers/children.mjs'
import { requireCommand } from '../../tools/servers/command.mjs'
import { freePorts } from '../../tools/servers/loopback.mjs'
import { type ConsulCluster, serverOf, startConsul } from '../../tools/servers/run.mjs'
import { failOnComplaints } from './etcd.ts'

/** The token that may do everything. */
export const token: string = randomUUID()
export const plan: SessionPlan = { name: 'test', ttlMs: 20_000, lockDelayMs: 0, checks: [] }
export const goneSession = '00000000-0000-4000-8000-000000000000'
export const never = (): AbortSignal => new AbortController().signal

/** Starts one for the tests of a file. A test fails if Node emits a warning meanwhile. */
export function useSecuredConsul(): SecuredConsul {
  const consul = new SecuredConsul()
  beforeAll(() => consul.start())
  afterAll(() => consul.close())
  failOnComplaints()
  return consul
}

export class SecuredConsul {
  cluster!: ConsulCluster
  /** Its host and port for HTTPS. */
  tlsAddress = ''
  readonly #folder = ownedFolder('consul-client')

  async start(): Promise<void> {
    const consul = join((await serverOf('consul', undefined)).dir, 'consul')
    for (const args of [
      ['ca', 'create'],
      ['cert', 'create', '-server'],
      ['cert', 'create', '-client'],
    ]) {
      await requireCommand(consul, ['tls', ...args], { cwd: this.#folder.path })
    }
    this.cluster = await startConsul({ token, config: () => this.#config() })
  }

  async close(): Promise<void> {
    await this.cluster?.close()
    await this.#folder.remove()
  }

  /** Its host and port for HTTP. */
  get address(): string {
    return this.cluster.members[0].endpoint
  }

  /** The folder with its certificates and its socket. */
  get folder(): string {
    return this.#folder.path
  }

  /** A certificate or a key. */
  pem(name: string): Buffer {
    return readFileSync(join(this.folder, name))
  }

  /** A client of this server, or of another one. */
  clientOf(access: Access = { token }, at: string = this.address): ConsulClient {
    return open([server(at, access)])
  }

  async infoOf(session: string): Promise<Record<string, unknown> | undefined> {
    const headers = { 'X-Consul-Token': token }
    const answer = await fetch(`http://${this.address}/v1/session/info/${session}`, { headers })
    return ((await answer.json()) as Record<string, unknown>[])[0]
  }

  async put(path: string, body: object): Promise<void> {
    const answer = await fetch(`http://${this.address}/v1/${path}`, {
      method: 'PUT',
      headers: { 'X-Consul-Token': token },
      body: JSON.stringify(body),
    })
    expect(answer.status).toBe(200)
  }

  async #config() {
    const [https = 0] = await freePorts(1)
    this.tlsAddress = `127.0.0.1:${https}`
    return {
      acl: { enabled: true, default_policy: 'deny', tokens: { master: token } },
      ports: { https },
      addresses: { http: `127.0.0.1 unix://${this.folder}/http.sock` },
      verify_incoming_https: true,
      ca_file: join(this.folder, 'consul-agent-ca.pem'),
      cert_file: join(this.folder, 'dc1-server-consul-0.pem'),
      key_file: join(this.folder, 'dc1-server-consul-0-key.pem'),
    }
  }
}

/** A client of these servers, closed at the end of the test. */
export function open(servers: readonly Server[], clock: Clock = systemClock()): ConsulClient {
  const client = new ConsulClient(clock, servers)
  onTestFinished(() => client.close())
  return client
}

/** A clock on which limits pass a hundred times faster; it keeps the limits. */
export function hastyClock(): Clock & { readonly limits: number[] } {
  const clock = systemClock()
  const limits: number[] = []
  const after = (ms: number, run: () => void): (() => void) => {
    limits.push(ms)
    return clock.after(ms / 100, run)
  }
  return { ...clock, after, limits }
}

/** The error with which a request rejects. */
export const rejection = (asked: Promise<unknown>): Promise<Error & { code?: string }> =>
  asked.then(
    () => new Error('it did not reject'),
    (error) => error,
  )

/** A server that gives one answer to everything, and keeps the requests. */
export interface Fake {
  readonly address: string
  readonly requests: IncomingMessage[]
}

/** Opens a fake server, closed at the end of the test. */
export async function fake(answer: RequestListener): Promise<Fake> {
  const requests: IncomingMessage[] = []
  const http = createServer((request, response) => {
    requests.push(request)
    request.resume()
    answer(request, response)
  })
  http.keepAliveTimeout = 0 // else it closes idle sockets itself
  onTestFinished(() => void http.close().closeAllConnections())
  return { address: await listening(http), requests }
}

/** Lets a server listen. Resolves with its address. */
export async function listening(tcp: TcpServer): Promise<string> {
  await once(tcp.listen(0, '127.0.0.1'), 'listening')
  return `127.0.0.1:${(tcp.address() as AddressInfo).port}`
}

export const silent: RequestListener = () => {}
export const empty: RequestListener = (_, response) => {
  response.writeHead(404, { 'x-consul-index': '7' }).end()
}
export const saying =
  (status: number, text: string): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'x-consul-index': '7', location: '/' }).end(text)
  }

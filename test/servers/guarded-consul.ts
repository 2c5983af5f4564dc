// A Consul that asks who is there: tokens, certificates and a Unix socket. Owns its start, and the tokens and certificates that
// tests show it.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { ownedFolder } from '../../tools/servers/children.mjs'
import { requireCommand } from '../../tools/servers/command.mjs'
import { freePorts } from '../../tools/servers/loopback.mjs'
import { type ConsulCluster, serverOf, startConsul } from '../../tools/servers/run.mjs'
import { type Ending, leasehold } from '../cli/leasehold.ts'

/** The variables of this machine must not reach the tests. Consul takes an empty variable for a missing one. */
export const nothing = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => name.startsWith('CONSUL_'))
    .map((name) => [name, '']),
)

interface AclToken {
  readonly AccessorID: string
  readonly Policies: readonly { readonly ID: string }[]
}

/** The Consul of a test file. */
export class GuardedConsul {
  /** The token that may do everything. */
  readonly management = randomUUID()
  readonly #folder = ownedFolder('leasehold-consul-auth')
  readonly socket = join(this.#folder.path, 'consul.sock')
  /** The address without TLS, and the one with it. */
  address = ''
  secure = ''
  /** The namespace of the present test. */
  namespace = ''
  #cluster: ConsulCluster | undefined
  #tests = 0

  /** The folder of its certificates. */
  get folder(): string {
    return this.#folder.path
  }

  /** The name of its server. */
  get node(): string {
    return this.#running.members[0].name
  }

  get #running(): ConsulCluster {
    if (!this.#cluster) throw new Error('Consul is not running')
    return this.#cluster
  }

  /** Begins a test. */
  begin(): void {
    this.#tests += 1
    this.namespace = `t${this.#tests}/`
  }

  async start(): Promise<void> {
    const { dir } = await serverOf('consul', undefined)
    for (const args of [
      ['ca', 'create'],
      ['cert', 'create', '-server'],
      ['cert', 'create', '-client'],
    ]) {
      await requireCommand(join(dir, 'consul'), ['tls', ...args], { cwd: this.folder })
    }
    this.#cluster = await startConsul({ token: this.management, config: () => this.#config() })
    this.address = this.#cluster.members[0].endpoint
  }

  async close(): Promise<void> {
    await this.#cluster?.close()
    await this.#folder.remove()
  }

  async #config() {
    const [https = 0] = await freePorts(1)
    this.secure = `127.0.0.1:${https}`
    return {
      acl: { enabled: true, default_policy: 'deny', tokens: { master: this.management } },
      ports: { https },
      addresses: { http: `127.0.0.1 unix://${this.socket}` },
      ca_file: this.file('consul-agent-ca.pem'),
      cert_file: this.file('dc1-server-consul-0.pem'),
      key_file: this.file('dc1-server-consul-0-key.pem'),
      verify_incoming_https: true,
    }
  }

  /** The path of a file in the folder of the certificates. */
  file(name: string): string {
    return join(this.folder, name)
  }

  /** The variables of a client that shows its certificate. */
  certificates() {
    return {
      CONSUL_CACERT: this.file('consul-agent-ca.pem'),
      CONSUL_CLIENT_CERT: this.file('dc1-client-consul-0.pem'),
      CONSUL_CLIENT_KEY: this.file('dc1-client-consul-0-key.pem'),
    }
  }

  /** Runs a command that tells LEASEHOLD_URL, on the Consul of a URL and these variables. */
  run(url: string, env: Record<string, string>, name = 'x'): Promise<Ending> {
    const tell = ['sh', '-c', 'echo "$LEASEHOLD_URL"']
    return leasehold(['run', name, '--url', url, '--', ...tell], { env: { ...nothing, ...env } }).ended
  }

  /** The output of Consul's own command, which must succeed. */
  async command(args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#running.consul(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
  }

  /** A token with these rules. */
  async tokenOf(rules: string): Promise<string> {
    const name = `policy-${randomUUID()}`
    await this.command(['acl', 'policy', 'create', `-name=${name}`, `-rules=${rules}`])
    const made = await this.command(['acl', 'token', 'create', `-policy-name=${name}`, '-format=json'])
    return JSON.parse(made).SecretID
  }

  async readToken(secret: string): Promise<AclToken> {
    const all = JSON.parse(await this.command(['acl', 'token', 'list', '-format=json']))
    for (const { AccessorID } of all) {
      const read = JSON.parse(
        await this.command(['acl', 'token', 'read', `-id=${AccessorID}`, '-format=json']),
      )
      if (read.SecretID === secret) return read
    }
    throw new Error('no such token')
  }

  /** A token that may do all that locks need, and two ways to take that back. */
  async revocable() {
    const rules = 'session_prefix "" { policy = "write" } key_prefix "" { policy = "write" }'
    const token = await this.tokenOf(rules)
    const { AccessorID, Policies } = await this.readToken(token)
    const ofPolicy = [`-id=${Policies[0]?.ID}`, '-rules=key_prefix "" { policy = "read" }']
    return {
      token,
      revoke: () => this.command(['acl', 'token', 'delete', `-id=${AccessorID}`]),
      narrow: () => this.command(['acl', 'policy', 'update', ...ofPolicy]),
    }
  }
}

/** A guarded Consul for all tests of this file, with a namespace for each test. */
export function useGuardedConsul(): GuardedConsul {
  const consul = new GuardedConsul()
  beforeAll(() => consul.start())
  afterAll(() => consul.close())
  beforeEach(() => consul.begin())
  return consul
}

// Questions to one server about itself, for `leasehold doctor`: who leads, what it is, which token it sees, and its time. The
// library does not load this file.
import { untilAborted } from '../../../base/abort.ts'
import type { Clock } from '../../../base/clock.ts'
import { UnavailableError } from '../../../base/errors.ts'
import { quoted } from '../../../base/printable.ts'
import { type Answer, asFault, type Fault } from './answers.ts'
import { type Connection, type Request, understood } from './requests.ts'
import { server } from './servers.ts'
import type { Access } from './transport.ts'

/** The facts that an agent tells about itself. */
export interface AgentFacts {
  readonly version: string
  readonly datacenter: string
  readonly isServer: boolean
}

/** The facts that Consul tells about a token. */
export interface TokenFacts {
  readonly policies: readonly string[]
  /** The header Date has the same form. Undefined if it never expires. */
  readonly expires: string | undefined
}

const limitMs = 3_000
const aboutServer = { method: 'GET', lane: 'work', limitMs } as const

/** The address of the leader: empty if the server knows none. It needs no token. */
export const leaderRequest: Request<string> = {
  ...aboutServer,
  path: '/status/leader',
  rule: () => '',
  understands: ({ status }) => status === 500,
  read({ status, text }) {
    if (status === 500) return '' // "No cluster leader"
    const leader = JSON.parse(text)
    if (typeof leader !== 'string') throw new TypeError(`${quoted(text)} is no address of a leader`)
    return leader
  },
}

/** The agent's version. The token needs `agent:read` on it. */
export const agentRequest: Request<AgentFacts> = {
  ...aboutServer,
  path: '/agent/self',
  rule: () => 'agent_prefix "" { policy = "read" }',
  read({ text }) {
    const { Config } = JSON.parse(text)
    return {
      version: String(Config.Version),
      datacenter: String(Config.Datacenter),
      isServer: Config.Server === true,
    }
  },
}

/** The own token. Every token may read itself. */
export const tokenRequest: Request<TokenFacts> = {
  ...aboutServer,
  path: '/acl/token/self',
  rule: () => 'a token that exists',
  read({ text }) {
    const { Policies, ExpirationTime } = JSON.parse(text)
    const policies: readonly { readonly Name: string }[] = Policies ?? []
    return { policies: policies.map(({ Name }) => String(Name)), expires: ExpirationTime }
  },
}

/** Asks one server, over a connection of its own. Rejects with a Fault, or with the reason of the signal. */
export class Probe {
  readonly address: string
  readonly #connection: Connection
  /** The header Date of the last answer. */
  lastDate: string | undefined

  constructor(address: string, access: Access, clock: Clock) {
    this.address = address
    this.#connection = server(address, access).connect(clock)
  }

  /** The answer to one request. */
  async ask<T>(request: Request<T>, signal: AbortSignal): Promise<T> {
    try {
      const answer = await untilAborted<Answer>(signal, (settle) => this.#connection.send(request, settle))
      this.lastDate = answer.date
      // A server without an index is none of Consul's for the library, but these questions have no index.
      return understood(request, { ...answer, index: answer.index ?? '' }, this.#connection.shown.secrets)
    } catch (error) {
      throw signal.aborted || error instanceof UnavailableError ? error : (asFault(error) satisfies Fault)
    }
  }

  /** Closes the connection. */
  close(): void {
    this.#connection.retire()
  }
}

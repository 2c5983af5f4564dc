// The servers that a client may ask, and the connections to them. The one file that runs code of npm `consul`. Owns the
// token that a server is shown; sockets.ts has the sockets, client.ts chooses the server.
import type { Agent } from 'node:http'
import Consul from 'consul'
import type { Papi } from './papi.ts'
import { type Shown, shownTo } from './requests.ts'
import { agentOf, type Lane, retire, urlOf } from './sockets.ts'
import type { Access } from './transport.ts'

/** One server of the cluster, or a client that its owner made and closes. */
export interface Server {
  readonly address: string
  /** Makes a new connection, at the start and after every failure. */
  connect(): Connection
  /** Reads the token again where it is in a file. Returns false if the token is still the one of `used`. */
  hasNewToken?(used: Shown): boolean
}

/** The way to one server. */
export interface Connection {
  readonly lanes: Readonly<Record<Lane, Papi>>
  readonly shown: Shown
  /** Ends the sockets that are idle at once, and the others after their request. */
  retire(): void
}

/** A server to connect to, at `host:port` or `unix:///path/of/a/socket`. */
export function server(address: string, access: Access): Server {
  const { tls, token, tokenAgain } = access
  let shown = shownTo(access)
  let last = token
  return {
    address,
    connect() {
      const [steady, work] = [agentOf(address, tls, 'steady'), agentOf(address, tls, 'work')]
      const at = urlOf(address, tls)
      const lanes = { steady: papiOf(at, steady), work: papiOf(at, work) }
      return { lanes, shown, retire: () => [steady, work].forEach(retire) }
    },
    hasNewToken(used) {
      const now = shown === used ? tokenAgain?.() : undefined
      if (now && now !== last) {
        last = now
        shown = shownTo({ ...access, token: now })
      }
      return shown !== used
    },
  }
}

function papiOf(at: object, agent: Agent): Papi {
  return new Consul({ ...at, agent }) as unknown as Papi
}

/** A client that somebody else made, configured and closes. */
export function givenClient(client: Consul): Server {
  const papi = client as unknown as Papi
  const { socketPath, baseUrl } = papi._opts
  const { token, dc, partition } = papi._defaults ?? {} // only the client's own methods use them, so this adds them to each request
  const shown = shownTo({ token, dc, partition })
  return {
    address: socketPath ?? [baseUrl.hostname, baseUrl.port].filter(Boolean).join(':'),
    connect: () => ({ lanes: { steady: papi, work: papi }, shown, retire: () => {} }),
  }
}

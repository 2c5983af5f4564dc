// The number of sockets to one server, and their security. Owns Node's agents; client.ts sends requests over them.
import { type AgentOptions, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { ConsulOptions, ConsulTls } from '../options.ts'

type TlsOption = ConsulOptions['tls']

/** `steady` is for renewals and releases, which must never queue behind waits. `work` is for all other requests. */
export type Lane = 'steady' | 'work'

/** Consul serves 200 connections to one address. These limits leave some for other programs. */
const socketsMax = { steady: 16, work: 80 } as const
/** How many idle sockets stay open: a new socket costs more than an acquire and a release. */
const freeSocketsMax = { steady: 4, work: 16 } as const

const unix = 'unix://'

/** The options of npm consul for `host:port` or `unix:///path`. */
export function urlOf(
  address: string,
  tls: TlsOption,
): { readonly baseUrl: string; readonly socketPath?: string } {
  const scheme = tls ? 'https' : 'http'
  if (!address.startsWith(unix)) return { baseUrl: `${scheme}://${address}/v1` }
  return { baseUrl: `${scheme}://localhost/v1`, socketPath: address.slice(unix.length) }
}

/** The sockets of one lane to `host:port`. */
export function agentOf(address: string, tls: TlsOption, lane: Lane): HttpAgent {
  const literal = /^\[(.*)\]/.exec(address)?.[1] // papi, under npm consul, would look up an IPv6 address in brackets as a name
  const options: AgentOptions & { host?: string } = {
    keepAlive: true,
    maxSockets: socketsMax[lane],
    maxFreeSockets: freeSocketsMax[lane],
    ...(literal ? { host: literal } : {}),
  }
  if (!tls) return new HttpAgent(options)
  return new HttpsAgent({ ...options, ...(typeof tls === 'object' ? certificates(tls) : {}) })
}

function certificates({ ca, cert, key, serverName, verify }: ConsulTls) {
  return {
    ...(ca ? { ca: ca as string | Buffer | (string | Buffer)[] } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(serverName ? { servername: serverName } : {}),
    rejectUnauthorized: verify !== false,
  }
}

/** Closes idle sockets at once, and every other socket when its request is over. */
export function retire(agent: HttpAgent): void {
  agent.maxFreeSockets = 0
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}

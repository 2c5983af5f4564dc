// The number of sockets to one server, their security, and how long an idle one is used again. Owns Node's agents;
// http.ts sends requests over them, idle.ts closes those that are not needed.
import { type AgentOptions, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Clock } from '../../../base/clock.ts'
import type { ConsulOptions, ConsulTls } from '../options.ts'
import { IdleSockets } from './idle.ts'

type TlsOption = ConsulOptions['tls']

/** The kind of a request: renewals and releases never queue behind waits, and renewals never behind releases. */
export type Lane = 'renewal' | 'release' | 'work'

/**
 * Consul serves 200 connections to one address, and these limits leave some of them to other programs. Blocking reads take at
 * most 64 of the sockets for work.
 */
const socketsMax = { steady: 16, work: 80 } as const
/** Releases leave so many steady sockets to renewals, as long as a socket for work is free. */
const forRenewals = 4
/** How many idle sockets stay open until `idleMs`. A new socket costs more than an acquire and a release. */
const keptAtRest = { steady: 4, work: 16 } as const

/** How the sockets of one server are kept. */
export interface SocketPlan {
  readonly tls: TlsOption
  /** How long an idle socket may be used again, in ms: a balancer may drop an idle connection without a word. */
  readonly idleMs: number
  readonly clock: Clock
}

/** The sockets to one server. It opens one when a request needs one. */
export class Sockets {
  readonly #steady: HttpAgent
  readonly #work: HttpAgent
  readonly #idle: readonly IdleSockets[]

  constructor(plan: SocketPlan) {
    this.#steady = agentOf(plan, 'steady')
    this.#work = agentOf(plan, 'work')
    this.#idle = [
      new IdleSockets(this.#steady, keptAtRest.steady, plan.clock),
      new IdleSockets(this.#work, keptAtRest.work, plan.clock),
    ]
  }

  /** The agent for the next request. A release takes the sockets for work if those have room for it at once. */
  for(lane: Lane): HttpAgent {
    if (lane === 'work') return this.#work
    const isSpare =
      lane === 'release' &&
      inUse(this.#steady) >= socketsMax.steady - forRenewals &&
      inUse(this.#work) < socketsMax.work
    return isSpare ? this.#work : this.#steady
  }

  /** Closes idle sockets at once, and every other socket when its request is over. */
  retire(): void {
    for (const idle of this.#idle) idle.retire()
  }
}

function agentOf({ tls, idleMs }: SocketPlan, kind: 'steady' | 'work'): HttpAgent {
  const probeMs = Math.ceil(idleMs / 3)
  const options: AgentOptions & { keepAliveInitialDelay: number } = {
    keepAlive: true,
    keepAliveMsecs: probeMs,
    keepAliveInitialDelay: probeMs, // of a socket that has not been idle yet
    timeout: idleMs, // ends idle sockets only
    maxSockets: socketsMax[kind],
    maxFreeSockets: socketsMax[kind],
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

/** The sockets with a request, and the requests that wait for one. */
function inUse({ sockets, requests }: HttpAgent): number {
  return all(sockets).length + all(requests).length
}

/** An agent has a list for each server that it connects to, and these agents have one server. */
function all<T>(lists: NodeJS.ReadOnlyDict<T[]>): T[] {
  return Object.values(lists)[0] ?? []
}

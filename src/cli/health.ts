// Answers probes over HTTP, as Kubernetes and load balancers send them. Owns the meaning of each path; a subcommand says
// which part it has at the moment.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { CandidatePart } from '../api/health.ts'
import { oneLine, printableJson } from '../base/printable.ts'

/** An address to listen on. */
export interface Listening {
  readonly host: string
  readonly port: number
}

/** The parts for which each path answers 200; for all others it answers 503. */
const paths: Readonly<Record<string, readonly CandidatePart[]>> = {
  '/live': ['leader', 'standby', 'away'],
  '/ready': ['leader', 'standby'],
  '/leader': ['leader'],
}

/** The server of one candidate. */
export class Health {
  /** Asked for each probe. */
  part: () => CandidatePart = () => 'away'
  readonly #name: string
  readonly #server: Server

  private constructor(name: string) {
    this.#name = name
    this.#server = createServer((request, response) => this.#answer(request, response))
  }

  /** Rejects with an Error if the address is not free. */
  static async listen(name: string, { host, port }: Listening): Promise<Health> {
    const health = new Health(name)
    await new Promise<void>((resolve, reject) => {
      const failed = (cause: Error): void =>
        reject(new Error(`--health: cannot listen on ${host}:${port}: ${oneLine(cause.message)}`, { cause }))
      health.#server.once('error', failed).listen(port, host, resolve)
    })
    return health
  }

  /** Stops listening, and ends all connections. */
  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #answer({ method, url = '' }: IncomingMessage, response: ServerResponse): void {
    const allowed = paths[url.replace(/\?.*/s, '')]
    const part = this.part()
    const isRead = method === 'GET' || method === 'HEAD'
    const status = !isRead ? 405 : !allowed ? 404 : allowed.includes(part) ? 200 : 503
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(`${printableJson({ name: this.#name, part })}\n`)
  }
}

// Requests over Node's own HTTP: each is written at once, and its answer is read whole. sockets.ts has the sockets,
// requests.ts the requests, client.ts has their time limits and the choice of the server.
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Settle } from '../../../base/abort.ts'
import type { Answer } from './answers.ts'
import type { Connection, Request, Shown } from './requests.ts'
import { type SocketPlan, Sockets } from './sockets.ts'

const unix = 'unix://'

/** The way to `host:port` or `unix:///path/of/a/socket`. It opens a socket when a request needs one. */
export class HttpConnection implements Connection {
  readonly shown: Shown
  readonly #request: typeof httpRequest
  readonly #place: Place
  readonly #sockets: Sockets
  /** Name and value of each header, in turn. */
  readonly #headers: readonly string[]
  /** The part of the query that every request has. */
  readonly #search: string

  constructor(address: string, plan: SocketPlan, shown: Shown) {
    this.shown = shown
    this.#request = plan.tls ? httpsRequest : httpRequest
    this.#place = hostOf(address)
    this.#sockets = new Sockets(plan)
    const host = address.startsWith(unix) ? 'localhost' : address
    this.#headers = ['Host', host, ...Object.entries(shown.headers).flat()]
    this.#search = searchOf(shown.query)
  }

  send<T>(request: Request<T>, settle: Settle<Answer>): () => void {
    const sent = this.#request(this.#optionsOf(request))
    let isOver = false
    sent.on('response', (response) => {
      collect(response, settle.reject, (answer) => {
        isOver = true
        settle.resolve(answer)
      })
    })
    sent.on('socket', (socket) => {
      // Bytes that came while it was idle belong to no request, and Node would take them for the answer of this one.
      if (socket.readableLength > 0)
        sent.destroy(new Error('the server sent an answer that nobody asked for'))
    })
    sent.on('error', settle.reject)
    sent.end(request.body ?? '')
    return () => {
      if (!isOver) sent.destroy() // later its socket serves the next request
    }
  }

  #optionsOf<T>({ method, path, query, body = '', lane }: Request<T>): RequestOptions {
    const search = [this.#search, searchOf(query)].filter((part) => part !== '').join('&')
    const { host, port, socketPath } = this.#place
    // Node writes headers in an array as they are, and the body with them.
    const headers = [...this.#headers]
    if (method !== 'GET') headers.push('Content-Length', String(Buffer.byteLength(body)))
    const agent = this.#sockets.for(lane)
    return { host, port, socketPath, agent, method, path: `/v1${path}${search && `?${search}`}`, headers }
  }

  retire(): void {
    this.#sockets.retire()
  }
}

interface Place {
  readonly host?: string | undefined
  readonly port?: number
  readonly socketPath?: string
}

/** The text of a query. URLSearchParams would cost more than all other options of a request. */
function searchOf(query: Readonly<Record<string, string>> = {}): string {
  return Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&')
}

function hostOf(address: string): Place {
  if (address.startsWith(unix)) return { socketPath: address.slice(unix.length) }
  const [, literal, name, port] = /^(?:\[(.*)\]|(.*)):(\d+)$/.exec(address) ?? []
  return { host: literal ?? name, port: Number(port) }
}

/** Reads the whole answer. It is an error if the server ends it too early. */
function collect(
  response: IncomingMessage,
  reject: (reason: unknown) => void,
  resolve: (answer: Answer) => void,
): void {
  const { statusCode: status = 0, headers } = response
  const chunks: Buffer[] = []
  response.on('data', (chunk: Buffer) => chunks.push(chunk))
  response.on('error', reject)
  response.on('end', () => {
    const index = headers['x-consul-index'] as string | undefined
    const text = Buffer.concat(chunks).toString()
    resolve({ status, index, retryAfter: headers['retry-after'], date: headers.date, text })
  })
}

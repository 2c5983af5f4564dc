// The HTTP server of `leasehold ui`: its paths, its headers, and its end. access.ts decides who may ask, feed.ts has the data.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { oneLine, printableJson } from '../../base/printable.ts'
import type { Listening } from '../health.ts'
import type { Access } from './access.ts'
import { readAssets } from './assets.ts'
import { readBody } from './body.ts'
import type { Feed } from './feed.ts'
import { Stream } from './stream.ts'

/** The most open pages. */
const viewersMost = 100

/** Nothing is loaded from elsewhere, no text becomes code or HTML, and no other page may embed this one. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const headers: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer', // the URL may have the token
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** An answer that is JSON. */
export interface JsonAnswer {
  readonly status: number
  readonly document: object
}

/** The parts that the server joins. */
export interface Parts {
  readonly access: Access
  readonly feed: Feed
  readonly clock: Clock
  /** Answers `POST /break` with this body. */
  readonly onBreak: (body: string) => Promise<JsonAnswer>
}

/** The server of one command. */
export class UiServer {
  readonly #parts: Parts
  readonly #assets = readAssets()
  readonly #server: Server

  private constructor(parts: Parts) {
    this.#parts = parts
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  /** Rejects with an Error that names the option if the address is not free. */
  static async listen(parts: Parts, { host, port }: Listening): Promise<UiServer> {
    const ui = new UiServer(parts)
    await new Promise<void>((resolve, reject) => {
      const failed = (cause: NodeJS.ErrnoException): void =>
        reject(new Error(`${advice(cause, { host, port })}: ${oneLine(cause.message)}`, { cause }))
      ui.#server.once('error', failed).listen(port, host, resolve)
    })
    parts.access.listensOn(ui.port)
    return ui
  }

  /** The port that it listens on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Stops listening, and ends all connections at once. */
  close(): void {
    this.#parts.feed.end()
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace(/[?#].*$/s, '')
    const answer = this.#refusal(request, path) ?? (await this.#answerTo(request, path))
    if (answer) send(response, answer)
    else this.#stream(response)
  }

  /** The answer to a request that may not see anything, or that names no page. */
  #refusal(request: IncomingMessage, path: string): Answer | undefined {
    const refusal = this.#parts.access.refusal(request, { takesUrl: path === '/' })
    if (refusal) return text(refusal.status, refusal.message)
    const method = path === '/break' ? 'POST' : 'GET'
    const isMethod = request.method === method || (request.method === 'HEAD' && method === 'GET')
    if (path !== '/break' && path !== '/events' && !this.#assets.has(path))
      return text(404, 'There is no such page.')
    if (!isMethod)
      return text(405, `This path takes ${method}.`, { allow: method === 'GET' ? 'GET, HEAD' : method })
    return undefined
  }

  /** Undefined for an open page, which gets events. */
  async #answerTo(request: IncomingMessage, path: string): Promise<Answer | undefined> {
    const { access, feed } = this.#parts
    if (path === '/break') return this.#break(request)
    const asset = this.#assets.get(path)
    if (asset) {
      const cookie = access.hasTokenInUrl(request) ? { 'set-cookie': access.setCookie } : {}
      return { status: 200, headers: { 'content-type': asset.type, ...cookie }, body: asset.body }
    }
    if (feed.viewers >= viewersMost) return text(503, `${viewersMost} pages are open: close one of them.`)
    return request.method === 'HEAD' ? { status: 200, headers: eventStream, body: '' } : undefined
  }

  #stream(response: ServerResponse): void {
    const { feed, clock } = this.#parts
    response.writeHead(200, { ...headers, ...eventStream })
    const leave = feed.join(new Stream(response, clock))
    response.once('close', leave)
  }

  async #break(request: IncomingMessage): Promise<Answer> {
    const refusal = this.#parts.access.writeRefusal(request)
    if (refusal) return text(refusal.status, refusal.message)
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
      return text(415, 'This path takes application/json.')
    const body = await readBody(request)
    if (body === undefined) return text(413, 'The body is too long.', { connection: 'close' })
    const { status, document } = await this.#parts.onBreak(body)
    this.#parts.feed.look()
    return { status, headers: { 'content-type': 'application/json' }, body: `${printableJson(document)}\n` }
  }
}

/** An answer with its body. */
interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

const eventStream = { 'content-type': 'text/event-stream; charset=utf-8' }

function text(status: number, message: string, more: Answer['headers'] = {}): Answer {
  return { status, headers: { ...more, 'content-type': 'text/plain; charset=utf-8' }, body: `${message}\n` }
}

function send(response: ServerResponse, { status, headers: own, body }: Answer): void {
  response.writeHead(status, { ...headers, ...own })
  response.end(body)
}

function advice({ code }: NodeJS.ErrnoException, { host, port }: Listening): string {
  if (code === 'EADDRINUSE')
    return `--port: ${port} is in use at ${host}; take another one, or 0 for any that is free`
  return `--host: cannot listen on ${host}:${port}`
}

// The server of `leasehold ui` inside of a test, and a browser of few lines: requests and server-sent events over plain HTTP.
import { type IncomingMessage, request } from 'node:http'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { Access } from '../../../src/cli/ui/access.ts'
import { answerBreak, refuseBreak } from '../../../src/cli/ui/breaking.ts'
import { Feed } from '../../../src/cli/ui/feed.ts'
import { UiServer } from '../../../src/cli/ui/server.ts'
import type { Leasehold } from '../../../src/index.ts'

/** The token of every server here. */
export const token = 'a-token-of-this-test'

/** An answer over HTTP. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** The parts of a request that a test may change. */
export interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** Sends the token as a program does. */
export const bearer = { authorization: `Bearer ${token}` }

/** Starts a server for the client. The end of the test closes it. */
export async function serve(
  client: Leasehold,
  { mayBreak = false, host = '127.0.0.1', port = 0, clock = systemClock() } = {},
): Promise<UiServer> {
  const onBreak = (body: string) => (mayBreak ? answerBreak(client, body) : refuseBreak())
  const feed = new Feed(client, clock, { prefix: '', mayBreak })
  const parts = { access: new Access(token, host), feed, clock, onBreak }
  const server = await UiServer.listen(parts, { host, port })
  onTestFinished(() => server.close())
  return server
}

/** One request on a connection of its own. */
export function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: Asked = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part) => (text += part))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      )
    })
    sent.on('error', reject).end(body)
  })
}

/** An event, with its data. */
export interface Event {
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  readonly data: any
}

/** An open page. */
export class Page {
  readonly events: Event[] = []
  /** Resolves when the connection has ended, from whichever side. */
  readonly ended: Promise<void>
  readonly #listeners = new Set<() => void>()
  readonly #response: IncomingMessage
  #text = ''

  constructor(response: IncomingMessage) {
    this.#response = response
    this.ended = new Promise((resolve) => response.once('close', resolve))
    response.setEncoding('utf8').on('data', (part) => this.#read(part))
    response.on('error', () => {}) // the server ends it in the middle
  }

  /** Resolves with the first event of this type that `fits`, among those that have come and those that will. */
  async next(type: string, fits: (data: Event['data']) => boolean = () => true): Promise<Event['data']> {
    for (;;) {
      const found = this.events.find((event) => event.type === type && fits(event.data))
      if (found) return found.data
      await new Promise<void>((resolve) => this.#listeners.add(resolve))
    }
  }

  /** Ends the connection, as a browser does that closes the page. */
  close(): void {
    this.#response.destroy()
  }

  #read(part: string): void {
    const blocks = (this.#text + part).split('\n\n')
    this.#text = blocks.pop() ?? ''
    for (const block of blocks) {
      const [, type, data] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? []
      if (type && data) this.events.push({ type, data: JSON.parse(data) })
    }
    for (const resolve of this.#listeners) resolve()
    this.#listeners.clear()
  }
}

/** Opens a page with these headers. The end of the test closes it. */
export async function open(port: number, headers: Record<string, string> = bearer): Promise<Page> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/events', headers, agent: false }, resolve)
      .on('error', reject)
      .end()
  })
  const page = new Page(response)
  onTestFinished(() => page.close())
  return page
}

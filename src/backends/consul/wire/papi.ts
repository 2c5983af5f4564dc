// Requests over a client that the caller made by npm `consul`. They use papi, the HTTP layer from which it inherits: the
// methods of npm `consul` drop options, round flags, and hide the server's messages. Owns the types of papi, which npm
// `consul` does not declare. Nothing of either package is loaded here.
import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type Consul from 'consul'
import type { Settle } from '../../../base/abort.ts'
import type { Answer } from './answers.ts'
import { type Connection, type Request, type Shown, shownTo } from './requests.ts'
import type { Server } from './servers.ts'

/** Members that npm consul inherits but does not declare: https://github.com/silas/node-papi */
interface Papi {
  _request(request: object, answered: Middleware): Promise<PapiResponse>
  readonly _opts: { readonly socketPath?: string; readonly baseUrl: { hostname: string; port?: string } }
  readonly _defaults?: { readonly token?: string; readonly dc?: string; readonly partition?: string }
}
type PapiResponse = IncomingMessage & { readonly statusCode: number; readonly body?: Buffer }
type Middleware = (
  request: { readonly err?: Error & { readonly isResponse?: boolean }; readonly res: PapiResponse },
  next: (go: false, error: Error | undefined, response: PapiResponse) => void,
) => void

/** A client that somebody else made, configured and closes. Its sockets are its own, so it has no lanes. */
export function givenClient(client: Consul): Server {
  const papi = client as unknown as Papi
  const { socketPath, baseUrl } = papi._opts
  const { token, dc, partition } = papi._defaults ?? {} // only the client's own methods use them, so this adds them to each request
  const shown = shownTo({ token, dc, partition })
  const connection: Connection = {
    shown,
    retire: () => {},
    send: (request, settle) => send(papi, shown, request, settle),
  }
  return {
    address: socketPath ?? [baseUrl.hostname, baseUrl.port].filter(Boolean).join(':'),
    connect: () => connection,
  }
}

function send<T>(papi: Papi, shown: Shown, request: Request<T>, settle: Settle<Answer>): () => void {
  let over = false
  const ctx = Object.assign(new EventEmitter(), { canceled: false })
  const finish = (response: PapiResponse): void => {
    over = true
    settle.resolve(answerOf(response))
  }
  papi._request({ ...optionsOf(shown, request), ctx }, answered).then(finish, settle.reject)
  return () => {
    if (over) return
    ctx.canceled = true
    ctx.emit('cancel')
  }
}

/** A request in the form that papi takes. */
function optionsOf<T>(shown: Shown, { method, path, query, body }: Request<T>): object {
  return {
    method,
    path,
    query: { ...shown.query, ...query },
    headers: shown.headers,
    body: body === undefined ? undefined : Buffer.from(body),
    type: 'json',
    buffer: true,
    timeout: 0, // otherwise the client's own time limit would also end blocking reads
  }
}

/** Returns every status as an answer: papi would drop the server's message, and keep the token in its error. */
const answered: Middleware = ({ err, res }, next) => next(false, err?.isResponse ? undefined : err, res)

/** The answer of the server. */
function answerOf({ statusCode, headers, body }: PapiResponse): Answer {
  return {
    status: statusCode,
    index: headers['x-consul-index'] as string | undefined,
    retryAfter: headers['retry-after'],
    text: String(body ?? ''),
  }
}

// papi, the HTTP layer from which npm consul inherits its members without declaring them: the types of these, and how our
// requests and answers are written there. client.ts sends the requests.
import type { IncomingMessage } from 'node:http'
import type { Answer } from './answers.ts'
import type { Request, Shown } from './requests.ts'

/** Members that npm consul inherits but does not declare: https://github.com/silas/node-papi */
export interface Papi {
  _request(request: object, answered: Middleware): Promise<PapiResponse>
  readonly _opts: { readonly socketPath?: string; readonly baseUrl: { hostname: string; port?: string } }
  readonly _defaults?: { readonly token?: string; readonly dc?: string; readonly partition?: string }
}
type PapiResponse = IncomingMessage & { readonly statusCode: number; readonly body?: Buffer }
type Middleware = (
  request: { readonly err?: Error & { readonly isResponse?: boolean }; readonly res: PapiResponse },
  next: (go: false, error: Error | undefined, response: PapiResponse) => void,
) => void

/** A request in the form that papi takes. */
export function optionsOf<T>(shown: Shown, { method, path, params, query, body }: Request<T>): object {
  return {
    method,
    path,
    params,
    query: { ...shown.query, ...query },
    headers: shown.headers,
    body,
    type: 'json',
    buffer: true,
    timeout: 0, // otherwise the time limit of a client that the caller made would also end blocking reads
  }
}

/** Returns every status as an answer: papi would drop the server's message, and keep the token in its error. */
export const answered: Middleware = ({ err, res }, next) =>
  next(false, err?.isResponse ? undefined : err, res)

/** The answer of the server. */
export function answerOf({ statusCode, headers, body }: PapiResponse): Answer {
  return {
    status: statusCode,
    index: headers['x-consul-index'] as string | undefined,
    retryAfter: headers['retry-after'],
    text: String(body ?? ''),
  }
}

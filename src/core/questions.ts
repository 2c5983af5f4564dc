// The questions of a client that belong to no claim of its own: about names and their lines, for people and operators. Owns
// their limits; request.ts sends them.
import type { AskOptions } from '../api/ask.ts'
import type { Operation } from '../api/events.ts'
import type { Backend, NameState, Standing } from '../contract.ts'
import { askOptions, checkOptions } from './arguments.ts'
import { once, persist, type RequestOptions, withAskOptions } from './request.ts'
import type { Sessions } from './sessions.ts'

/** The time limit of all reads of one survey. It may have to read a lot. */
const surveyMs = 10_000

/** The questions of one client. Each rejects as a request does, and within the limits that the caller gives. */
export class Questions {
  readonly #backend: Backend
  readonly #sessions: Sessions
  readonly #scope: RequestOptions['scope']

  /** The end of `scope` ends every question. */
  constructor(backend: Backend, sessions: Sessions, scope: RequestOptions['scope']) {
    this.#backend = backend
    this.#sessions = sessions
    this.#scope = scope
  }

  /** See `line` of Leasehold. */
  line(name: string, options: AskOptions): Promise<Standing[]> {
    return this.#ask(options, 'line', (signal) => this.#backend.line(name, signal))
  }

  /** The checkpoint of a name. */
  readCheckpoint(name: string, options: AskOptions = {}): Promise<string | undefined> {
    return this.#ask(options, 'readCheckpoint', (signal) => this.#backend.readCheckpoint(name, signal))
  }

  /** See `survey` of Leasehold. */
  survey(prefix: string, options: AskOptions): Promise<NameState[]> {
    return this.#askMuch(options, 'survey', (signal) => this.#backend.survey(prefix, signal))
  }

  /** The checkpoints of all names that begin with `prefix`. */
  checkpoints(prefix: string, options: AskOptions): ReturnType<Backend['checkpoints']> {
    return this.#askMuch(options, 'checkpoints', (signal) => this.#backend.checkpoints(prefix, signal))
  }

  /** See `break` of Leasehold. */
  break(name: string, token: bigint, options: AskOptions): Promise<boolean> {
    return this.#within(options, (request) =>
      once(request, 'break', (signal) => this.#backend.break(name, token, signal)),
    )
  }

  #ask<T>(options: AskOptions, what: Operation, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#within(options, (request) => persist(request, what, ask))
  }

  /** Asks a question whose answer may be large. */
  #askMuch<T>(options: AskOptions, what: Operation, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#within(options, (request) => {
      const requestMs = request.requestMs && surveyMs
      return persist({ ...request, requestMs, retries: 3 }, what, ask)
    })
  }

  /** Asks outside of any session, within the limits that the caller gives. */
  async #within<T>(options: AskOptions, ask: (request: RequestOptions) => Promise<T>): Promise<T> {
    checkOptions(options, askOptions)
    const request = this.#sessions.request(this.#scope)
    return withAskOptions(request, options, (scope) => ask({ ...request, scope }))
  }
}

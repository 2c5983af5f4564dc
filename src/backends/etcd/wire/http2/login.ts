// The login of a user at one member. Owns the token, and that all callers share one login.
import { orAborted } from '../../../../base/abort.ts'
import type { Clock } from '../../../../base/clock.ts'
import { UnavailableError } from '../../../../base/errors.ts'
import { Scope } from '../../../../base/scope.ts'
import type { Auth } from '../../../shared/credentials.ts'
import { callMsMax } from '../link.ts'
import type { Connection, Metadata } from './grpc.ts'
import { authenticate } from './messages.ts'

/** A user at one member. */
export class Login {
  readonly #connection: Connection
  readonly #auth: Auth
  readonly #clock: Clock
  #token: Promise<string> | undefined

  constructor(connection: Connection, auth: Auth, clock: Clock) {
    this.#connection = connection
    this.#auth = auth
    this.#clock = clock
  }

  /** The token, as etcd wants it with each call. A login that failed is not kept. Rejects as the call does. */
  async metadata(signal: AbortSignal): Promise<Metadata> {
    const asked = (this.#token ??= this.#ask())
    try {
      return { token: await orAborted(asked, signal) }
    } catch (error) {
      if (this.#token === asked && !signal.aborted) this.#token = undefined
      throw error
    }
  }

  /** The next call logs in again. */
  forget(): void {
    this.#token = undefined
  }

  /** Not ended by the signal of one caller, since other callers may wait for the same login. */
  async #ask(): Promise<string> {
    const { username: name, password } = this.#auth
    const scope = new Scope().onTimeout(
      this.#clock,
      callMsMax,
      () => new UnavailableError('no answer to a login'),
    )
    try {
      const options = { metadata: {}, signal: scope.signal, limitMs: callMsMax }
      return await this.#connection.call(authenticate, { name, password }, options)
    } finally {
      scope.detach()
    }
  }
}

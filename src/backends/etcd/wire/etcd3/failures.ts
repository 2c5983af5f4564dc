// Translates an error of etcd3 or gRPC for a caller of Leasehold. Owns the translation; etcd/wire/client.ts decides what
// follows.
import {
  ClientClosedError,
  EtcdAuthenticationFailedError,
  EtcdError,
  EtcdInvalidAuthTokenError,
  EtcdLeaseInvalidError,
  EtcdPermissionDeniedError,
  GRPCGenericError,
  GRPCUnauthenticatedError,
  isRecoverableError,
} from 'etcd3'
import { RefusedError, SessionGoneError, UnavailableError } from '../../../../base/errors.ts'
import { oneLine } from '../../../../base/printable.ts'

const refusals = [EtcdPermissionDeniedError, EtcdAuthenticationFailedError, GRPCUnauthenticatedError]
const staleAuth = /auth store is old|invalid auth token/
const tooLarge = /message larger than max/ // gRPC's own limit: a repeated request would fail again
/** The status is OK but the message is missing: the answer was cut off on its way. This is no refusal. */
const brokenOff = /No message received/
const wrongAuth = /user name is empty|authentication is not enabled|user name not found/

/** The message without the name of its class, and without gRPC's words that say nothing. */
function said(message: string): string {
  const text = oneLine(message.replace(/^\w*Error: /, '').replace(/[\s.]*Resolution note:\s*$/, ''))
  if (!/No connection established|Failed to connect/.test(text)) return text
  return `${text}; is a server there, and is the scheme right (etcd: without TLS, etcds: with TLS)?`
}

/** Whether the user has no permission for the keys of a request. */
export function isDenied(error: unknown): boolean {
  return error instanceof EtcdPermissionDeniedError
}

/** Translates an error of etcd3 for the caller. An error that no server sent stays as it is. */
export function translate(error: unknown, address: string): unknown {
  if (!(error instanceof Error)) return error
  const text = `etcd at ${address}: ${said(error.message)}`
  if (error instanceof EtcdLeaseInvalidError) return new SessionGoneError(text, { cause: error })
  if (error instanceof EtcdInvalidAuthTokenError || staleAuth.test(error.message)) {
    return new UnavailableError(text, { cause: error })
  }
  const refused =
    refusals.some((type) => error instanceof type) ||
    wrongAuth.test(error.message) ||
    tooLarge.test(error.message)
  if (refused) return new RefusedError(text, { cause: error })
  const brokenCircuit = 'isBrokenCircuitError' in error // from the circuit breaker of a given client
  const lost = isRecoverableError(error) || brokenOff.test(error.message)
  const transient = brokenCircuit || lost || error instanceof UnavailableError
  if (transient || error instanceof ClientClosedError) return new UnavailableError(text, { cause: error })
  const answered = error instanceof GRPCGenericError || error instanceof EtcdError
  return answered ? new RefusedError(text, { cause: error }) : error
}

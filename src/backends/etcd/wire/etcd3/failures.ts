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
import { refusal, schemeHint, tokenOver, tooMany, tooManyHint } from '../words.ts'

const refusals = [EtcdPermissionDeniedError, EtcdAuthenticationFailedError, GRPCUnauthenticatedError]
/** The status is OK but the message is missing: the answer was cut off on its way. This is no refusal. */
const brokenOff = /No message received/

/** The message without the name of its class, and without gRPC's words that say nothing. */
function said(message: string): string {
  const text = oneLine(message.replace(/^\w*Error: /, '').replace(/[\s.]*Resolution note:\s*$/, ''))
  if (!/No connection established|Failed to connect/.test(text)) return text
  return `${text}; ${schemeHint}`
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
  if (error instanceof EtcdInvalidAuthTokenError || tokenOver.test(error.message)) {
    return new UnavailableError(text, { cause: error })
  }
  if (tooMany.test(error.message)) return new RefusedError(`${text}; ${tooManyHint}`, { cause: error })
  const refused = refusals.some((type) => error instanceof type) || refusal.test(error.message)
  if (refused) return new RefusedError(text, { cause: error })
  const brokenCircuit = 'isBrokenCircuitError' in error // from the circuit breaker of a given client
  const lost = isRecoverableError(error) || brokenOff.test(error.message)
  const transient = brokenCircuit || lost || error instanceof UnavailableError
  if (transient || error instanceof ClientClosedError) return new UnavailableError(text, { cause: error })
  const answered = error instanceof GRPCGenericError || error instanceof EtcdError
  return answered ? new RefusedError(text, { cause: error }) : error
}

// Translates a status of gRPC, or an error of the connection, for a caller of Leasehold. Owns the translation.
import { LeaseholdError, RefusedError, SessionGoneError, UnavailableError } from '../../../../base/errors.ts'
import { oneLine } from '../../../../base/printable.ts'
import { refusal, schemeHint, tokenOver, tooMany, tooManyHint } from '../words.ts'
import { GrpcError, grpcCodes } from './status.ts'

const { cancelled, unknown, deadlineExceeded, notFound } = grpcCodes
const { resourceExhausted, aborted, internal, unavailable } = grpcCodes
/** Codes that say nothing about the request itself: a later one may succeed. */
const transient = new Set<number>([
  cancelled,
  unknown,
  deadlineExceeded,
  resourceExhausted,
  aborted,
  internal,
  unavailable,
])

/** Whether the token of a login is over. The server did nothing then. */
export function isStaleToken(error: unknown): boolean {
  return error instanceof GrpcError && tokenOver.test(error.message)
}

/** Whether the user has no permission for the keys of a request. */
export function isDenied(error: unknown): boolean {
  return error instanceof GrpcError && error.code === grpcCodes.permissionDenied
}

/** Translates an error for the caller. An error that neither a server nor the network caused stays as it is. */
export function translate(error: unknown, address: string): unknown {
  if (error instanceof GrpcError) return ofStatus(error, `etcd at ${address}: ${oneLine(error.message)}`)
  if (error instanceof UnavailableError)
    return new UnavailableError(`etcd at ${address}: ${oneLine(error.message)}`, { cause: error })
  if (!isOfNetwork(error)) return error
  return new UnavailableError(`etcd at ${address}: ${oneLine(reasonOf(error))}; ${schemeHint}`, {
    cause: error,
  })
}

function ofStatus(error: GrpcError, text: string): Error {
  const options = { cause: error }
  if (error.code === notFound && /lease not found/.test(error.message))
    return new SessionGoneError(text, options)
  if (isStaleToken(error)) return new UnavailableError(text, options)
  if (tooMany.test(error.message)) return new RefusedError(`${text}; ${tooManyHint}`, options)
  if (refusal.test(error.message) || !transient.has(error.code)) return new RefusedError(text, options)
  return new UnavailableError(text, options)
}

/** Errors of sockets, of TLS and of HTTP/2 have a code. */
function isOfNetwork(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof LeaseholdError) return false
  return typeof (error as { code?: unknown }).code === 'string'
}

/** Node cancels the streams of a connection that fails, and keeps the reason as the cause. */
function reasonOf(error: Error): string {
  const { code } = error as { code?: unknown }
  return code === 'ERR_HTTP2_STREAM_CANCEL' && error.cause instanceof Error
    ? error.cause.message
    : error.message
}

// The status of a gRPC answer: a code and words. Owns how it is read from HTTP/2 headers.
// failures.ts says what a code means for a lock. https://grpc.io/docs/guides/status-codes/
import type { IncomingHttpHeaders } from 'node:http2'
import { schemeHint } from '../words.ts'

/** The codes of gRPC that this backend knows. */
export const grpcCodes = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  aborted: 10,
  internal: 13,
  unavailable: 14,
} as const

/** An answer of a server, or of a proxy before it, that is no message. */
export class GrpcError extends Error {
  readonly code: number

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The answer ended before it was complete. */
export function brokenOff(): GrpcError {
  return new GrpcError(grpcCodes.unavailable, 'the answer was cut off on its way')
}

/** The server never spoke HTTP/2 on this connection. */
export function unspoken(): GrpcError {
  return new GrpcError(grpcCodes.unavailable, `no answer in HTTP/2; ${schemeHint}`)
}

/** The status that headers or trailers give, if they give one. */
export function statusOf(headers: IncomingHttpHeaders): 'ok' | GrpcError | undefined {
  const { 'grpc-status': code, ':status': status } = headers
  if (code === undefined) return httpStatus(status)
  if (Number(code) === grpcCodes.ok) return 'ok'
  return new GrpcError(Number(code), words(headers['grpc-message']))
}

/** A status of HTTP other than 200 comes from no gRPC server. */
function httpStatus(status: unknown): GrpcError | undefined {
  if (status === undefined || Number(status) === 200) return undefined
  return new GrpcError(grpcCodes.unavailable, `HTTP status ${status}: is there no etcd but another server?`)
}

/** The words of a status. They come percent-encoded. */
function words(message: unknown): string {
  const text = [message].flat().join(' ') || 'no reason given'
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

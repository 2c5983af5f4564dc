// The ends of the certificates on a connection with TLS, as findings of `leasehold doctor`. Owns which end is worth a warning.
// The handshake of the clients decides whether a certificate is trusted; here it is only read.
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type ConnectionOptions, connect, type DetailedPeerCertificate } from 'node:tls'
import { untilAborted } from '../../base/abort.ts'
import { isoTime, timeIn } from '../../base/clock.ts'
import type { ExamineOptions, Finding } from '../../base/finding.ts'
import type { Tls } from './credentials.ts'
import { timed } from './timed.ts'

/** How soon the end of a certificate is worth a warning. */
const soonDays = 14
const dayMs = 86_400_000

/** A certificate that counts from one time to another. */
export interface Validity {
  /** The owner, such as `CN=server.dc1.consul`. */
  readonly subject: string
  readonly fromMs: number
  readonly untilMs: number
}

/** How a client connects: `serverName` is the name that the certificate must have. */
export type TlsOfClient = boolean | (Tls & { readonly serverName?: string | undefined }) | undefined

/**
 * The findings about the certificates: for each server at `host:port` that ends a handshake the certificate that ends first, of
 * its own and those of its authorities, and that of the client. Without TLS there are none. Opens one connection for each server,
 * over which nothing is sent.
 */
export async function certificateFindings(
  addresses: readonly string[],
  tls: TlsOfClient,
  options: ExamineOptions,
): Promise<Finding[]> {
  if (!tls) return []
  const own = typeof tls === 'object' ? tls : {}
  const nowMs = options.clock.wallMs()
  const servers = await Promise.all(
    addresses.map(async (address) => {
      const read = await timed(options, (signal) => chainOf(address, own, signal))
      return 'answer' in read ? read.answer.map((one) => judged(address, one, nowMs)) : []
    }),
  )
  const client = own.cert ? [judged('client', validityOf(new X509Certificate(own.cert)), nowMs)] : []
  return [...servers.flat(), ...client]
}

/** The finding for a certificate at a moment. */
export function judged(about: string, { subject, fromMs, untilMs }: Validity, nowMs: number): Finding {
  const daysLeft = Math.floor((untilMs - nowMs) / dayMs)
  const end = isoTime(untilMs)
  const finding = { check: 'certificate', about, data: { subject, endsAt: end, daysLeft } } as const
  if (nowMs < fromMs) {
    const text = `the certificate of ${subject} counts only from ${isoTime(fromMs)} on`
    return { ...finding, level: 'problem', text, next: 'correct the clock of this machine, or wait' }
  }
  if (nowMs >= untilMs) {
    const text = `the certificate of ${subject} has expired at ${end}`
    return { ...finding, level: 'problem', text, next: 'renew it: no new connection is accepted' }
  }
  const text = `the certificate of ${subject} ends in ${daysLeft} days, at ${end}`
  if (daysLeft >= soonDays) return { ...finding, level: 'ok', text }
  const next =
    'renew it before: afterwards no new connection is accepted, and locks are lost with the old ones'
  return { ...finding, level: 'warning', text, next }
}

/** The certificate of a server, or the one of its authorities that ends before it. Empty if the server shows none. */
async function chainOf(
  address: string,
  { ca, cert, key, serverName }: Exclude<TlsOfClient, boolean | undefined>,
  signal: AbortSignal,
): Promise<Validity[]> {
  const { hostname, port } = new URL(`https://${address}`)
  const host = hostname.replace(/^\[|\]$/g, '')
  const servername = serverName ?? (isIP(host) ? undefined : host)
  const given = { ca, cert, key, servername } as ConnectionOptions
  const options = { ...given, host, port: Number(port || 443), rejectUnauthorized: false }
  return untilAborted(signal, ({ resolve, reject }) => {
    const socket = connect(options, () => {
      const [first, ...others] = withIssuers(socket.getPeerCertificate(true))
      resolve(
        first ? [[first, ...others].reduce((one, other) => (other.untilMs < one.untilMs ? other : one))] : [],
      )
      socket.destroy()
    })
    socket.on('error', reject)
    return () => socket.destroy()
  })
}

/** A certificate and those above it. The last one names itself as its issuer. */
function withIssuers(last: DetailedPeerCertificate): Validity[] {
  const chain: Validity[] = []
  let now: DetailedPeerCertificate | undefined = last
  while (now?.raw) {
    chain.push(validityOf(new X509Certificate(now.raw)))
    const above: DetailedPeerCertificate | undefined = now.issuerCertificate
    now = above?.fingerprint256 === now.fingerprint256 ? undefined : above
  }
  return chain
}

function validityOf({ subject, validFrom, validTo }: X509Certificate): Validity {
  const name = subject.split('\n').find((part) => part.startsWith('CN=')) ?? subject
  return { subject: name, fromMs: timeIn(validFrom), untilMs: timeIn(validTo) }
}

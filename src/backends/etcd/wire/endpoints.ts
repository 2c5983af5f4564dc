// Connects to a member of an etcd cluster with etcd3. Owns etcd3's and gRPC's options. By default etcd3 retries
// writes, balances per request and breaks circuits. All of that is off here, since core/request.ts decides which
// requests are repeated.
import { rootCertificates } from 'node:tls'
import { Etcd3, type IOptions } from 'etcd3'
import type { Clock } from '../../../base/clock.ts'
import type { Credentials, Tls } from '../../shared/credentials.ts'

/** One member of the cluster, or a client that the caller made and closes. */
export interface Endpoint {
  readonly address: string
  /** Connects for the first time, and again after every failure. */
  connect(): Etcd3
  disconnect(client: Etcd3): void
}

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>

/** The longest time of one call in ms, whatever the caller's signal says. */
export const callMsMax = 10_000

/** A member to connect to. */
export function member(address: string, { auth, tls }: Credentials, clock: Clock): Endpoint {
  let connections = 0
  return {
    address,
    connect() {
      connections += 1
      return new Etcd3({
        hosts: `${tls ? 'https' : 'http'}://${address}`,
        // etcd3 logs in over a separate connection that it never closes. The deadline stops a hung server from keeping
        // that connection open.
        ...(auth ? { auth: { ...auth, callOptions: () => ({ deadline: clock.wallMs() + callMsMax }) } } : {}),
        ...(typeof tls === 'object' ? { credentials: certificates(tls) } : {}),
        faultHandling: { global: passThrough, host: () => passThrough },
        grpcOptions: grpcOptions(connections),
      })
    },
    disconnect: (client) => client.close(),
  }
}

/** A client that the caller made, configured and closes. */
export function givenClient(client: Etcd3): Endpoint {
  return { address: 'the given client', connect: () => client, disconnect: () => {} }
}

function grpcOptions(connection: number): NonNullable<IOptions['grpcOptions']> {
  return {
    // Pings find a silently dead connection after 15 s. etcd accepts one ping every 5 s.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    // A whole line with all its values may exceed the 4 MiB that gRPC takes by default.
    'grpc.max_receive_message_length': -1,
    // Without an option that differs, gRPC would reuse the old socket for the new connection.
    'leasehold.connection': connection,
  }
}

// By default etcd3 would retry writes and, after three failures, send nothing for 5 s. It calls only `execute`, and
// expects a promise even if the function throws.
const passThrough = { execute: async (run: () => unknown) => run() } as unknown as Policy

/** A missing part means the system's authorities, or no client certificate. */
function certificates({ ca, cert, key }: Tls): NonNullable<IOptions['credentials']> {
  const own = cert && key ? { certChain: Buffer.from(cert), privateKey: Buffer.from(key) } : {}
  const trusted = ca === undefined ? rootCertificates : [ca].flat()
  return { rootCertificate: Buffer.from(trusted.join('\n')), ...own }
}

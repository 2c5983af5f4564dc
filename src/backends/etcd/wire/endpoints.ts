// How a member of an etcd cluster is connected to with etcd3. Owns etcd3's and gRPC's options. etcd3 retries writes,
// balances per request and breaks circuits by default: all of that is switched off here, since acquire and session
// decide what is tried again.
import { rootCertificates } from 'node:tls'
import { Etcd3, type IOptions } from 'etcd3'
import type { Clock } from '../../../base/clock.ts'
import type { Credentials, Tls } from '../../shared/credentials.ts'

/** One member of the cluster, or a client that its owner made and closes. */
export interface Endpoint {
  readonly address: string
  /** Connects, and again after every failure. */
  connect(): Etcd3
  disconnect(client: Etcd3): void
}

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>

/** The longest time for one call in ms, whatever the caller's signal says. */
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
        // It logs in over a connection of its own that it never closes: a hung server must not keep that alive.
        ...(auth ? { auth: { ...auth, callOptions: () => ({ deadline: clock.wallMs() + callMsMax }) } } : {}),
        ...(typeof tls === 'object' ? { credentials: certificates(tls) } : {}),
        faultHandling: { global: passThrough, host: () => passThrough },
        grpcOptions: grpcOptions(connections),
      })
    },
    disconnect: (client) => client.close(),
  }
}

/** A client that somebody else made, configured and closes. */
export function givenClient(client: Etcd3): Endpoint {
  return { address: 'the given client', connect: () => client, disconnect: () => {} }
}

function grpcOptions(connection: number): NonNullable<IOptions['grpcOptions']> {
  return {
    // A connection that died in silence is found out after 15 s. etcd accepts pings from every 5 s on.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    // A line as a whole, with all that its claims say, may be longer than the 4 MiB that gRPC takes otherwise.
    'grpc.max_receive_message_length': -1,
    // gRPC takes http_proxy and grpc_proxy for its own, also on the way to 127.0.0.1, and writes to stderr when it cannot
    // use them. etcdctl goes through no proxy, and neither do we.
    'grpc.enable_http_proxy': 0,
    // gRPC would hand out the old socket again to whoever has the same options.
    'leasehold.connection': connection,
  }
}

// etcd3 would retry writes and, after three failures, send nothing for 5 s. It only ever calls `execute`, also with
// functions that throw, and then looks for a promise.
const passThrough = { execute: async (run: () => unknown) => run() } as unknown as Policy

/** What is missing falls back to the system's authorities, and to no client certificate. */
function certificates({ ca, cert, key }: Tls): NonNullable<IOptions['credentials']> {
  const own = cert && key ? { certChain: Buffer.from(cert), privateKey: Buffer.from(key) } : {}
  const trusted = ca === undefined ? rootCertificates : [ca].flat()
  return { rootCertificate: Buffer.from(trusted.join('\n')), ...own }
}

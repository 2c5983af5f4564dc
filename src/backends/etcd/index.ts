// The way in to etcd: options or a URL to a backend. Owns how credentials are found; loads etcd3 only when opened.
import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import type { Etcd3, IOptions } from 'etcd3'
import type { BackendSource } from '../../backend.ts'
import { EtcdBackend } from './backend.ts'
import type { Endpoint } from './client.ts'
import { Layout } from './layout.ts'
import { parseEtcdUrl } from './url.ts'

/** How to reach an etcd cluster. */
export interface EtcdOptions {
  /** `host:port` of each member. Default: one at 127.0.0.1:2379. */
  readonly endpoints?: readonly string[] | undefined
  /** Put before every key as it is, e.g. `billing/`. Without it names are what `etcdctl lock` calls them. */
  readonly namespace?: string | undefined
  /** User and password. Prefer client certificates: a password's token expires under open streams. */
  readonly auth?: { readonly username: string; readonly password: string } | undefined
  /** TLS: the PEM of the authority, and of the client's own certificate and key. `true` trusts the system's. */
  readonly tls?: true | { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer } | undefined
  /** A client that exists already, instead of endpoints and credentials. It stays open; you close it. */
  readonly client?: Etcd3 | undefined
}

/** A source for `connect`. Throws nothing and sends nothing: `connect` does. */
export function etcd(options: EtcdOptions = {}): BackendSource {
  const { endpoints = ['127.0.0.1:2379'], namespace = '', tls, client } = options
  return {
    url: `${tls ? 'etcds' : 'etcd'}://${endpoints.join(',')}/${namespace}`,
    async open(clock) {
      const [{ EtcdClient }, { Etcd3 }] = await Promise.all([import('./client.ts'), import('etcd3')])
      const members: Endpoint[] = client
        ? [{ address: 'the given client', connect: () => client, disconnect: () => {} }]
        : endpoints.map((address) => ({
            address,
            connect: () => new Etcd3(clientOptions(address, options)),
            disconnect: (connected) => connected.close(),
          }))
      const transport = new EtcdClient(clock, members, options.auth !== undefined)
      return new EtcdBackend(transport, new Layout(namespace), clock)
    },
  }
}

/**
 * Reads `etcd://host:port,host:port/namespace/`, or `etcds://` for TLS. Credentials come from the variables that
 * etcdctl reads: ETCDCTL_USER (user:password) or ETCDCTL_USER and ETCDCTL_PASSWORD, and the files named by
 * ETCDCTL_CACERT, ETCDCTL_CERT and ETCDCTL_KEY. Throws TypeError for a malformed URL.
 */
export function etcdFromUrl(url: string, environment: NodeJS.ProcessEnv = process.env): BackendSource {
  const { endpoints, namespace, tls } = parseEtcdUrl(url)
  const { ETCDCTL_USER: user = '', ETCDCTL_PASSWORD: password } = environment
  const [username = '', ...rest] = password === undefined ? user.split(':') : [user, password]
  return etcd({
    endpoints,
    namespace,
    auth: username ? { username, password: rest.join(':') } : undefined,
    tls: tls
      ? { ...pem('ca', 'ETCDCTL_CACERT'), ...pem('cert', 'ETCDCTL_CERT'), ...pem('key', 'ETCDCTL_KEY') }
      : undefined,
  })

  function pem(part: string, variable: string): object {
    const file = environment[variable]
    return file ? { [part]: readFileSync(file) } : {}
  }
}

function clientOptions(address: string, { auth, tls }: EtcdOptions): IOptions {
  const credentials = typeof tls === 'object' ? { credentials: tlsCredentials(tls) } : {}
  return {
    hosts: `${tls ? 'https' : 'http'}://${address}`,
    ...credentials,
    ...(auth ? { auth: { ...auth } } : {}),
    faultHandling: { global: passThrough, host: () => passThrough },
    grpcOptions: {
      // A connection that died in silence is found out after 15 s. etcd accepts pings from every 5 s on.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 5_000,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
    },
  }
}

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>

/** etcd3 would retry writes and, after three failures, send nothing for 5 s. It only ever calls `execute`. */
const passThrough = { execute: (run: () => unknown) => run() } as unknown as Policy

/** What is missing falls back to the system's authorities, and to no client certificate. */
function tlsCredentials({
  ca,
  cert,
  key,
}: Exclude<EtcdOptions['tls'], true | undefined>): NonNullable<IOptions['credentials']> {
  const own = cert && key ? { certChain: cert, privateKey: key } : {}
  return {
    rootCertificate: ca ?? Buffer.concat(rootCertificates.map((pem) => Buffer.from(`${pem}\n`))),
    ...own,
  }
}

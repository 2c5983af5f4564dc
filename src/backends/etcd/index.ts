// The way in to etcd: options or a URL to a backend. Owns how credentials are found; loads etcd3 only when opened.
import { readFileSync } from 'node:fs'
import type { Etcd3 } from 'etcd3'
import type { BackendSource } from '../../contract.ts'
import { EtcdBackend } from './backend.ts'
import { Layout } from './layout.ts'
import { checkEndpoints, formatEtcdUrl, parseEtcdUrl } from './url.ts'
import type { Credentials } from './wire/transport.ts'

export type { Credentials } from './wire/transport.ts'

/** How to reach an etcd cluster. */
export interface EtcdOptions extends Credentials {
  /** `host:port` of each member. Default: one at 127.0.0.1:2379. */
  readonly endpoints?: readonly string[] | undefined
  /** Put before every key as it is, e.g. `billing/`. Without it names are what `etcdctl lock` calls them. */
  readonly namespace?: string | undefined
  /** A client that exists already, instead of endpoints and credentials. It stays open; you close it. */
  readonly client?: Etcd3 | undefined
}

/** A source for `connect`. Throws nothing and sends nothing: `connect` does. */
export function etcd(options: EtcdOptions = {}): BackendSource {
  const { endpoints = ['127.0.0.1:2379'], namespace = '', auth, tls, client } = options
  return {
    url: formatEtcdUrl({ endpoints: client ? ['given-client'] : endpoints, namespace, tls: Boolean(tls) }),
    async open(clock) {
      checkEndpoints(endpoints)
      const { EtcdClient, member, givenClient } = await import('./wire/client.ts')
      const members = client
        ? [givenClient(client)]
        : endpoints.map((address) => member(address, { auth, tls }, clock))
      const transport = new EtcdClient(clock, members, auth !== undefined)
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
    try {
      return file ? { [part]: readFileSync(file) } : {}
    } catch (cause) {
      throw new TypeError(`${variable}: ${JSON.stringify(file)} cannot be read`, { cause })
    }
  }
}

// The entry of the etcd backend: from options or a URL to a backend. Loads etcd3 only when it is opened.

import type { BackendSource } from '../../contract.ts'
import { withSlash } from '../shared/addresses.ts'
import { EtcdBackend, ttlDefaultMs } from './backend.ts'
import { optionsOf } from './environment.ts'
import { Layout } from './layout.ts'
import { checkAgainstTtl, checkEtcdOptions, type EtcdOptions } from './options.ts'
import { formatEtcdUrl, parseEndpoint } from './url.ts'

export type { Auth, Credentials, Pem, Tls } from '../shared/credentials.ts'
export type { EtcdOptions } from './options.ts'

/**
 * A source for `connect`. Throws TypeError or RangeError at once for an unknown option or a bad value. Sends nothing;
 * `connect` does.
 */
export function etcd(options: EtcdOptions = {}): BackendSource {
  checkEtcdOptions(options)
  const { auth, tls, client, lockDelayMs = 0 } = options
  const endpoints = (options.endpoints ?? ['127.0.0.1']).map(parseEndpoint)
  const namespace = withSlash(options.namespace ?? '')
  return {
    url: formatEtcdUrl({
      endpoints: client ? ['given-client'] : endpoints,
      namespace,
      tls: Boolean(tls),
      lockDelayMs: lockDelayMs || undefined,
    }),
    async open(clock, ttlMs = ttlDefaultMs) {
      checkAgainstTtl(lockDelayMs, ttlMs)
      const { EtcdClient, member, givenClient } = await import('./wire/client.ts')
      const members = client
        ? [givenClient(client)]
        : endpoints.map((endpoint) => member(endpoint, { auth, tls }, clock))
      const transport = new EtcdClient(clock, members, auth !== undefined)
      return new EtcdBackend(transport, new Layout(namespace), clock, lockDelayMs)
    },
  }
}

/**
 * Reads `etcd://host:port,host:port/namespace/?lockDelayMs=15000`, or `etcds://` for TLS. Reads credentials from the variables of
 * etcdctl: ETCDCTL_USER (user:password) or ETCDCTL_USER and ETCDCTL_PASSWORD, and the files named by ETCDCTL_CACERT,
 * ETCDCTL_CERT and ETCDCTL_KEY. Throws TypeError for a malformed URL and for a file that cannot be read.
 */
export function etcdFromUrl(url: string, environment: NodeJS.ProcessEnv = process.env): BackendSource {
  return etcd(optionsOf(url, environment))
}

// The entry of the etcd backend: from options or a URL to a backend. Owns that a wire is loaded only when it is used: the
// npm package etcd3 only for a caller who gives a client of it.

import type { Etcd3 } from 'etcd3'
import type { Clock } from '../../base/clock.ts'
import type { BackendSource } from '../../contract.ts'
import { withSlash } from '../shared/addresses.ts'
import type { Credentials } from '../shared/credentials.ts'
import { EtcdBackend, ttlDefaultMs } from './backend.ts'
import { optionsOf } from './environment.ts'
import type { Examined } from './examine.ts'
import { Layout } from './layout.ts'
import { checkAgainstTtl, checkEtcdOptions, type EtcdOptions } from './options.ts'
import { formatEtcdUrl, parseEndpoint } from './url.ts'
import type { Endpoint } from './wire/link.ts'

export type { Auth, Credentials, Pem, Tls } from '../shared/credentials.ts'
export type { EtcdOptions } from './options.ts'

/**
 * A source for `connect`. Throws TypeError or RangeError at once for an unknown option or a bad value. Sends nothing;
 * `connect` does.
 */
export function etcd(options: EtcdOptions = {}): BackendSource {
  checkEtcdOptions(options)
  const { tls, client, lockDelayMs = 0 } = options
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
      const { EtcdClient } = await import('./wire/client.ts')
      const transport = new EtcdClient(
        client ? [await given(client, clock)] : await members(endpoints, options, clock),
      )
      return new EtcdBackend(transport, new Layout(namespace), clock, lockDelayMs)
    },
    ...(client ? {} : examiner({ endpoints, credentials: options, namespace, lockDelayMs })),
  }
}

/** Loads the examination when it is asked for. */
function examiner(examined: Examined): Pick<BackendSource, 'examine'> {
  return { examine: async (how) => (await import('./examine.ts')).examineEtcd(examined, how) }
}

async function given(client: Etcd3, clock: Clock): Promise<Endpoint> {
  const { givenClient } = await import('./wire/etcd3/link.ts')
  return givenClient(client, clock)
}

async function members(endpoints: readonly string[], credentials: Credentials, clock: Clock) {
  const { member } = await import('./wire/http2/link.ts')
  return endpoints.map((endpoint) => member(endpoint, credentials, clock))
}

/**
 * Reads `etcd://host:port,host:port/namespace/?lockDelayMs=15000`, or `etcds://` for TLS. Reads credentials from the variables of
 * etcdctl: ETCDCTL_USER (user:password) or ETCDCTL_USER and ETCDCTL_PASSWORD, and the files named by ETCDCTL_CACERT,
 * ETCDCTL_CERT and ETCDCTL_KEY. Throws TypeError for a malformed URL and for a file that cannot be read.
 */
export function etcdFromUrl(url: string, environment: NodeJS.ProcessEnv = process.env): BackendSource {
  return etcd(optionsOf(url, environment))
}

// Makes a Consul backend from options or a URL.

import type { Clock } from '../../base/clock.ts'
import type { BackendSource } from '../../contract.ts'
import { ConsulBackend, usualLockDelayMs } from './backend.ts'
import { optionsOf, tokenAgain } from './environment.ts'
import { Layout } from './layout.ts'
import { type ConsulOptions, checkConsulOptions, parseEndpoint } from './options.ts'
import { formatConsulUrl } from './url.ts'
import type { Access, Transport } from './wire/transport.ts'

export type { Auth, Credentials, Pem, Tls } from '../shared/credentials.ts'
export type { ConsulEnterprise, ConsulOptions, ConsulTls } from './options.ts'

/**
 * A source for `connect`. Throws TypeError or RangeError at once for an unknown option or a bad value. Sends nothing:
 * only `connect` opens connections.
 */
export function consul(options: ConsulOptions = {}): BackendSource {
  return sourceOf(options)
}

function sourceOf(options: ConsulOptions, tokenAgain?: () => string | undefined): BackendSource {
  checkConsulOptions(options)
  const { namespace = '', checks = [], node, dc, tls, idleMs, unsafeTwoMayHold } = options
  const endpoints = endpointsOf(options)
  return {
    url: formatConsulUrl({
      ...{ endpoints, namespace, tls: Boolean(tls) },
      ...{ dc, node, checks, lockDelayMs: options.lockDelayMs, idleMs },
    }),
    async open(clock, ttlMs) {
      const { lockDelayMs = usualLockDelayMs(ttlMs) } = options
      const transport = await transportOf({ ...options, tokenAgain }, endpoints, clock)
      const layout = new Layout(namespace)
      const settings = { layout, clock, lockDelayMs, unsafeTwoMayHold, checks, node, idleMs }
      return new ConsulBackend(transport, settings)
    },
    ...(options.client ? {} : examiner({ ...options, tokenAgain }, endpoints)),
  }
}

/**
 * Reads `consul://host:port,host:port/namespace/?dc=dc1&node=n1&checks=a,b&lockDelayMs=30000&idleMs=16000`, or
 * `consuls://` for TLS; `consul://unix:%2Fpath/namespace/` is a socket. Without a host, as in `consul:` or `consul:///namespace/`, the address
 * comes from CONSUL_HTTP_ADDR and CONSUL_HTTP_SSL, or is 127.0.0.1:8500. Credentials come from the variables that the
 * consul program reads: CONSUL_HTTP_TOKEN or, with precedence, CONSUL_HTTP_TOKEN_FILE (which is read again when Consul
 * refuses the token); CONSUL_HTTP_AUTH (user:password); with TLS CONSUL_CACERT, CONSUL_CAPATH, CONSUL_CLIENT_CERT,
 * CONSUL_CLIENT_KEY, CONSUL_TLS_SERVER_NAME and CONSUL_HTTP_SSL_VERIFY; for Consul Enterprise CONSUL_NAMESPACE and
 * CONSUL_PARTITION. Throws TypeError for a malformed URL, a malformed variable, and a file that cannot be read.
 */
export function consulFromUrl(url: string, environment: NodeJS.ProcessEnv = process.env): BackendSource {
  return sourceOf(optionsOf(url, environment), () => tokenAgain(environment))
}

/** Loads the examination when it is asked for. */
function examiner(
  options: ConsulOptions & Pick<Access, 'tokenAgain'>,
  endpoints: readonly string[],
): Pick<BackendSource, 'examine'> {
  return {
    async examine(how) {
      const { examineConsul } = await import('./examine.ts')
      const { lockDelayMs = usualLockDelayMs(how.ttlMs), namespace = '' } = options
      const open = (some: readonly string[]) => transportOf(options, some, how.clock)
      const shared = { endpoints, access: accessOf(options), layout: new Layout(namespace) }
      return examineConsul({ ...shared, lockDelayMs, open }, how)
    },
  }
}

async function transportOf(
  options: ConsulOptions & Pick<Access, 'tokenAgain'>,
  endpoints: readonly string[],
  clock: Clock,
): Promise<Transport> {
  const { ConsulClient } = await import('./wire/client.ts')
  const { server } = await import('./wire/servers.ts')
  const { client } = options
  if (client) {
    const { givenClient } = await import('./wire/papi.ts')
    return new ConsulClient(clock, [givenClient(client)])
  }
  const access = accessOf(options)
  return new ConsulClient(
    clock,
    endpoints.map((endpoint) => server(endpoint, access)),
  )
}

function accessOf(options: ConsulOptions & Pick<Access, 'tokenAgain'>): Access {
  const { token, tokenAgain, auth, tls, dc, idleMs, enterprise } = options
  return { token, tokenAgain, auth, tls, dc, idleMs, ...enterprise }
}

function endpointsOf({ client, endpoints = ['127.0.0.1'], tls }: ConsulOptions): string[] {
  if (client) return ['given-client']
  return endpoints.map((endpoint) => parseEndpoint(endpoint, Boolean(tls)))
}

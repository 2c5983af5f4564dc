// The way in to Consul: options or a URL to a backend. Loads npm consul only when opened.

import type { Clock } from '../../base/clock.ts'
import type { BackendSource } from '../../contract.ts'
import { ConsulBackend } from './backend.ts'
import { optionsOf } from './environment.ts'
import { Layout } from './layout.ts'
import { type ConsulOptions, checkOptions } from './options.ts'
import { formatConsulUrl, parseAddress } from './url.ts'
import type { Transport } from './wire/transport.ts'

export type { ConsulOptions } from './options.ts'
export type { Tls } from './wire/transport.ts'

/** A source for `connect`. Throws nothing and sends nothing: `connect` does. */
export function consul(options: ConsulOptions = {}): BackendSource {
  const { namespace = '', checks = [], node, lockDelayMs = 15_000 } = options
  return {
    get url() {
      const { dc, tls } = options
      return formatConsulUrl({ addresses: addressesOf(options), namespace, dc, tls: Boolean(tls) })
    },
    async open(clock) {
      checkOptions(options)
      const transport = await transportOf(options, clock)
      return new ConsulBackend(transport, { layout: new Layout(namespace), clock, lockDelayMs, checks, node })
    },
  }
}

/**
 * Reads `consul://host:port,host:port/namespace/?dc=dc1`, or `consuls://` for TLS; `consul://unix:%2Fpath/namespace/` is
 * a socket. Without a host, as in `consul:` or `consul:///namespace/`, CONSUL_HTTP_ADDR and CONSUL_HTTP_SSL say where
 * Consul is, else it is at 127.0.0.1:8500. Credentials come from the variables that the consul program
 * reads: CONSUL_HTTP_TOKEN, CONSUL_HTTP_TOKEN_FILE (which wins), CONSUL_HTTP_AUTH (user:password), and with TLS
 * CONSUL_CACERT, CONSUL_CAPATH, CONSUL_CLIENT_CERT, CONSUL_CLIENT_KEY, CONSUL_TLS_SERVER_NAME and
 * CONSUL_HTTP_SSL_VERIFY; for Consul Enterprise also CONSUL_NAMESPACE and CONSUL_PARTITION. Throws TypeError for a
 * malformed URL, a variable that makes no sense and a file that cannot be read.
 */
export function consulFromUrl(url: string, environment: NodeJS.ProcessEnv = process.env): BackendSource {
  return consul(optionsOf(url, environment))
}

async function transportOf(options: ConsulOptions, clock: Clock): Promise<Transport> {
  const { ConsulClient, givenClient, server } = await import('./wire/client.ts')
  const { client, token, auth, tls, dc, enterprise } = options
  if (client) return new ConsulClient(clock, [givenClient(client)])
  const credentials = { token, auth, tls, dc, ...enterprise }
  return new ConsulClient(
    clock,
    addressesOf(options).map((address) => server(address, credentials)),
  )
}

function addressesOf({ client, addresses = ['127.0.0.1'], tls }: ConsulOptions): string[] {
  if (client) return ['given-client']
  return addresses.map((address) => parseAddress(address, { argument: 'addresses', tls: Boolean(tls) }))
}

// The URL of an etcd cluster. Owns its grammar, which the URL class cannot read: it has several hosts.
import { formatNamespace, parseHost, parseNamespace } from '../shared/addresses.ts'

/** What a URL says. */
export interface EtcdUrl {
  readonly endpoints: readonly string[]
  readonly namespace: string
  readonly tls: boolean
}

const port = 2379
const shape = 'etcd://host:port,host:port/namespace/'

/**
 * Reads `etcd://host:port,host:port/namespace/`. The port is 2379 where it is missing; a namespace ends with a
 * slash, whether written or not. Throws TypeError that does not repeat what may be a password.
 */
export function parseEtcdUrl(url: string): EtcdUrl {
  const [, scheme, hosts, path = '/'] = /^(etcds?):\/\/([^/?#]*)(\/[^?#]*)?$/i.exec(url) ?? []
  if (!scheme || hosts === undefined) throw new TypeError(`url: malformed; it takes ${shape}`)
  if (hosts.includes('@')) {
    throw new TypeError('url: takes no credentials; set ETCDCTL_USER to user:password instead')
  }
  const endpoints = hosts.split(',').map((host) => parseHost(host, { port, argument: 'url', shape }))
  return { endpoints, namespace: parseNamespace(path), tls: scheme.toLowerCase() === 'etcds' }
}

/** The URL that `parseEtcdUrl` reads the same from. */
export function formatEtcdUrl({ endpoints, namespace, tls }: EtcdUrl): string {
  return `${tls ? 'etcds' : 'etcd'}://${endpoints.join(',')}${formatNamespace(namespace)}`
}

/** Throws TypeError or RangeError unless each is `host:port`, and there is one. */
export function checkEndpoints(endpoints: readonly string[]): void {
  if (endpoints.length === 0) throw new RangeError('endpoints: [] is empty; it takes at least one host:port')
  for (const endpoint of endpoints) parseHost(endpoint, { port, argument: 'endpoints', shape })
}

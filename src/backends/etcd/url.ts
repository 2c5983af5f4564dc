// The URL of an etcd cluster. Owns its grammar. The URL class cannot read it, since it has several hosts.
import {
  formatNamespace,
  formatQuery,
  parseHost,
  parseNamespace,
  parseQuery,
  parseWhole,
} from '../shared/addresses.ts'

/** The parts of a URL. */
export interface EtcdUrl {
  readonly endpoints: readonly string[]
  readonly namespace: string
  readonly tls: boolean
  readonly lockDelayMs?: number | undefined
}

const port = 2379
const shape = 'etcd://host:port,host:port/namespace/?lockDelayMs=15000'

/**
 * Reads `etcd://host:port,host:port/namespace/?lockDelayMs=15000`. The default port is 2379. Adds the slash at the end of a namespace if
 * it is missing. Throws a TypeError whose message does not repeat a possible password.
 */
export function parseEtcdUrl(url: string): EtcdUrl {
  const form = /^(etcds?):\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/i
  const [, scheme, hosts, path = '/', query = ''] = form.exec(url) ?? []
  if (!scheme || hosts === undefined) throw new TypeError(`url: malformed; it takes ${shape}`)
  if (hosts.includes('@') || query.includes('@')) {
    throw new TypeError('url: takes no credentials; set ETCDCTL_USER to user:password instead')
  }
  const endpoints = hosts.split(',').map((host) => parseHost(host, { port, argument: 'url', shape }))
  const [lockDelay] = parseQuery(query, ['lockDelayMs']).get('lockDelayMs') ?? []
  const lockDelayMs = lockDelay === undefined ? undefined : parseWhole(lockDelay, 'url: lockDelayMs')
  return { endpoints, namespace: parseNamespace(path), tls: scheme.toLowerCase() === 'etcds', lockDelayMs }
}

/** Writes the URL from which `parseEtcdUrl` reads the same. */
export function formatEtcdUrl({ endpoints, namespace, tls, lockDelayMs }: EtcdUrl): string {
  const place = `${endpoints.join(',')}${formatNamespace(namespace)}`
  return `${tls ? 'etcds' : 'etcd'}://${place}${formatQuery({ lockDelayMs })}`
}

/** Reads `host:port` of an option, and returns it with its port. Throws TypeError for everything else. */
export function parseEndpoint(endpoint: string): string {
  return parseHost(endpoint, { port, argument: 'endpoints', shape: 'host:port' })
}

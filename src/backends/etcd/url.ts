// The URL of an etcd cluster. Owns its grammar, which the URL class cannot read: it has several hosts.

/** What a URL says. */
export interface EtcdUrl {
  readonly endpoints: readonly string[]
  readonly namespace: string
  readonly tls: boolean
}

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
  const endpoints = hosts.split(',').map((host) => parseHost(host))
  return { endpoints, namespace: parseNamespace(path), tls: scheme.toLowerCase() === 'etcds' }
}

/** The URL that `parseEtcdUrl` reads the same from. */
export function formatEtcdUrl({ endpoints, namespace, tls }: EtcdUrl): string {
  const path = namespace.split('/').map(encodeURIComponent).join('/')
  return `${tls ? 'etcds' : 'etcd'}://${endpoints.join(',')}/${path}`
}

/** Throws TypeError or RangeError unless each is `host:port`, and there is one. */
export function checkEndpoints(endpoints: readonly string[]): void {
  if (endpoints.length === 0) throw new RangeError('endpoints: [] is empty; it takes at least one host:port')
  for (const endpoint of endpoints) parseHost(endpoint, 'endpoints')
}

function parseHost(host: string, argument = 'url'): string {
  const [, name, port = '2379'] = /^(\[[0-9a-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(host) ?? []
  if (name && Number(port) > 0 && Number(port) < 65_536) return `${name}:${port}`
  // What follows a colon may be a password.
  const shown = JSON.stringify(host.split(/[:@]/)[0])
  throw new TypeError(`${argument}: what begins with ${shown} is no host:port; it takes ${shape}`)
}

function parseNamespace(path: string): string {
  try {
    const namespace = decodeURIComponent(path.slice(1))
    return namespace === '' || namespace.endsWith('/') ? namespace : `${namespace}/`
  } catch (cause) {
    throw new TypeError(`url: the namespace ${JSON.stringify(path)} is not percent-encoded rightly`, {
      cause,
    })
  }
}

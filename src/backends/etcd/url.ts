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
  const endpoints = hosts.split(',').map(parseHost)
  return { endpoints, namespace: parseNamespace(path), tls: scheme.toLowerCase() === 'etcds' }
}

function parseHost(host: string): string {
  const [, name, port = '2379'] = /^(\[[0-9a-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(host) ?? []
  if (name && Number(port) > 0 && Number(port) < 65_536) return `${name}:${port}`
  throw new TypeError(`url: ${JSON.stringify(host)} is no host:port; it takes ${shape}`)
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

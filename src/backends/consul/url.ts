// The URL of Consul. Owns its grammar, which the URL class cannot read: it has several hosts, or a socket, or none.
import { quoted } from '../../base/printable.ts'
import {
  formatNamespace,
  formatQuery,
  parseHost,
  parseNamespace,
  parseQuery,
  parseWhole,
  withSlash,
} from '../shared/addresses.ts'

/** The parts of a URL. */
export interface ConsulUrl {
  /** `host:port` or `unix:///path` of each server or agent. */
  readonly endpoints: readonly string[]
  readonly namespace: string
  readonly tls: boolean
  readonly dc?: string | undefined
  readonly node?: string | undefined
  readonly checks?: readonly string[] | undefined
  readonly lockDelayMs?: number | undefined
  readonly idleMs?: number | undefined
}

/** A parsed URL. It has no endpoints if the URL names no host; then CONSUL_HTTP_ADDR decides. */
export type ParsedConsulUrl = Omit<ConsulUrl, 'endpoints'> & { readonly endpoints?: readonly string[] }

const shape = 'consul://host:port,host:port/namespace/?dc=dc1'
/** The parameters that a URL may have. */
const known = ['dc', 'node', 'checks', 'lockDelayMs', 'idleMs']
const socket = 'unix://'

/**
 * Reads `consul://host:port,host:port/namespace/?dc=dc1&node=n1&checks=a,b&lockDelayMs=30000&idleMs=16000`, in which
 * every part may be missing, or `consuls://` for TLS. The port is 8500, or 8501 for
 * `consuls:`, where it is missing; a namespace ends with a slash, whether written or not. A Unix socket is a host
 * `unix:` with its path percent-encoded: `consul://unix:%2Frun%2Fconsul.sock/namespace/`. Without a host
 * (`consul:`, `consul:///namespace/`) there are no endpoints. Throws TypeError that does not repeat what may be a
 * password.
 */
export function parseConsulUrl(url: string): ParsedConsulUrl {
  const form = /^(consuls?):(?:\/\/([^/?#]*)(\/[^?#]*)?)?(?:\?([^#]*))?$/i
  const [, scheme, hosts = '', path = '/', query = ''] = form.exec(url) ?? []
  if (hosts.includes('@') || query.includes('@') || (!hosts && path.includes('@'))) {
    throw new TypeError('url: takes no credentials; set CONSUL_HTTP_TOKEN or CONSUL_HTTP_AUTH instead')
  }
  if (!scheme) throw new TypeError(`url: malformed; it takes ${shape}`)
  const tls = scheme.toLowerCase() === 'consuls'
  const written = hosts ? hosts.split(',') : []
  const endpoints = written.map((host) => parseAddress(addressOf(host), { tls, argument: 'url' }))
  const namespace = parseNamespace(path)
  checkNamespace(namespace, 'url')
  return { ...(hosts ? { endpoints } : {}), namespace, tls, ...parametersOf(query) }
}

/** The URL that `parseConsulUrl` reads the same from. */
export function formatConsulUrl({ endpoints, namespace, tls, ...parameters }: ConsulUrl): string {
  const hosts = endpoints.map((address) =>
    address.startsWith(socket) ? `unix:${encodeURIComponent(address.slice(socket.length))}` : address,
  )
  const { dc, node, checks, lockDelayMs, idleMs } = parameters
  const query = formatQuery({ dc, node, checks: checks?.join(',') || undefined, lockDelayMs, idleMs })
  return `${tls ? 'consuls' : 'consul'}://${hosts.join(',')}${formatNamespace(withSlash(namespace))}${query}`
}

/** The place of an address and the rules for it. */
export interface AddressRules {
  readonly argument: string
  readonly tls: boolean
  /** The port where none is written; default: Consul's own, 8500, or 8501 with TLS. */
  readonly port?: number
}

/** Reads `host:port` or `unix:///path`, and returns it with its port. Throws TypeError for everything else. */
export function parseAddress(
  address: string,
  { argument, tls, port = tls ? 8501 : 8500 }: AddressRules,
): string {
  if (/^unix:\/\/\/./.test(address)) return address
  const shapes = argument === 'url' ? shape : 'host:port or unix:///path'
  return parseHost(address, { argument, port, shape: shapes })
}

/** Throws TypeError unless the namespace is a folder of Consul's: names between single slashes. */
export function checkNamespace(namespace: string, argument: string): void {
  const folders = withSlash(namespace).split('/').slice(0, -1)
  const bad = folders.find((folder) => ['', '.', '..'].includes(folder))
  if (bad === undefined) return
  const what = bad === '' ? 'an empty part' : `the part "${bad}"`
  throw new TypeError(`${argument}: the namespace ${quoted(namespace)} has ${what}; it takes a/b/`)
}

/** Throws TypeError unless it can be the name of a datacenter. */
export function checkDatacenter(dc: string, argument: string): void {
  if (/^[\w-]+$/.test(dc)) return
  throw new TypeError(`${argument}: ${quoted(dc)} is no datacenter; it takes letters, digits, _ and -`)
}

function addressOf(host: string): string {
  const [, path] = /^unix:(%2f.+)$/i.exec(host) ?? []
  if (!path) return host
  try {
    return `${socket}${decodeURIComponent(path)}`
  } catch (cause) {
    throw new TypeError('url: the path of the socket is not correctly percent-encoded', { cause })
  }
}

/** The parameters that the query has. */
function parametersOf(query: string): Pick<ConsulUrl, 'dc' | 'node' | 'checks' | 'lockDelayMs' | 'idleMs'> {
  const parameters = parseQuery(query, known)
  const [dc, node, checks, lockDelay, idle] = known.map((name) => parameters.get(name)?.[0])
  if (dc !== undefined) checkDatacenter(dc, 'url: dc')
  const empty = node === '' ? 'node' : checks?.split(',').includes('') ? 'checks' : undefined
  if (empty) throw new TypeError(`url: ${empty} has an empty name`)
  return {
    ...(dc === undefined ? {} : { dc }),
    ...(node === undefined ? {} : { node }),
    ...(checks === undefined ? {} : { checks: checks.split(',') }),
    ...(lockDelay === undefined ? {} : { lockDelayMs: parseWhole(lockDelay, 'url: lockDelayMs') }),
    ...(idle === undefined ? {} : { idleMs: parseWhole(idle, 'url: idleMs') }),
  }
}

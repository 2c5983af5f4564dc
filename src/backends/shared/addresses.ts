// How stores with several hosts are written in options and URLs. Owns `host:port` and the namespace, which more than one
// backend reads; the grammar around them is each backend's own.
import { quotedTarget } from '../../base/printable.ts'

/** What a host is read for. */
export interface HostRules {
  /** The port where none is written. */
  readonly port: number
  /** What the message names as the culprit: an argument, an option or a variable. */
  readonly argument: string
  /** What the message says that it takes. */
  readonly shape: string
}

/**
 * Reads `host`, `host:port` or `[IPv6]:port`, and returns it with its port. Throws TypeError that does not repeat what
 * may be a password.
 */
export function parseHost(host: string, { port: missing, argument, shape }: HostRules): string {
  const [, name, port = String(missing)] = /^(\[[0-9a-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(host) ?? []
  if (name && Number(port) > 0 && Number(port) < 65_536) return `${name}:${port}`
  throw new TypeError(`${argument}: ${quotedTarget(host)} is no host:port; it takes ${shape}`)
}

/**
 * Reads the path of a URL as a namespace, which ends with a slash, whether written or not. Throws TypeError unless it
 * is percent-encoded rightly.
 */
export function parseNamespace(path: string): string {
  try {
    return withSlash(decodeURIComponent(path.slice(1)))
  } catch (cause) {
    throw new TypeError(`url: the namespace ${quotedTarget(path)} is not percent-encoded rightly`, {
      cause,
    })
  }
}

/** The namespace with its slash at the end; none stays none. */
export function withSlash(namespace: string): string {
  return namespace === '' || namespace.endsWith('/') ? namespace : `${namespace}/`
}

/** The path that `parseNamespace` reads the same from. */
export function formatNamespace(namespace: string): string {
  return `/${namespace.split('/').map(encodeURIComponent).join('/')}`
}

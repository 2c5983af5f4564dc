// How stores with several hosts are written in options and URLs. Owns `host:port` and the namespace, which more than one
// backend reads; the grammar around them is each backend's own.
import { quotedTarget } from '../../base/printable.ts'

/** The rules for reading one host. */
export interface HostRules {
  /** The port if none is written. */
  readonly port: number
  /** The argument, option or variable that the message names. */
  readonly argument: string
  /** The valid form, for the message. */
  readonly shape: string
}

/**
 * Reads `host`, `host:port` or `[IPv6]:port`, and returns it with its port. Throws a TypeError whose message does not
 * repeat a possible password.
 */
export function parseHost(host: string, { port: missing, argument, shape }: HostRules): string {
  const [, name, port = String(missing)] = /^(\[[0-9a-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(host) ?? []
  if (name && Number(port) > 0 && Number(port) < 65_536) return `${name}:${port}`
  throw new TypeError(`${argument}: ${quotedTarget(host)} is no host:port; it takes ${shape}`)
}

/**
 * Reads the path of a URL as a namespace. Adds the slash at its end if it is missing. Throws TypeError unless the path
 * is correctly percent-encoded.
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

/** Adds the slash at the end of a namespace; an empty one stays empty. */
export function withSlash(namespace: string): string {
  return namespace === '' || namespace.endsWith('/') ? namespace : `${namespace}/`
}

/** Writes a namespace as the path from which `parseNamespace` reads it. */
export function formatNamespace(namespace: string): string {
  return `/${namespace.split('/').map(encodeURIComponent).join('/')}`
}

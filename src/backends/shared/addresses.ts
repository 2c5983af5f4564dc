// Reads and writes the parts of URLs and options that several backends share: `host:port`, the namespace and the query.
// Each backend owns the grammar of its own URLs.
import { quoted, quotedTarget } from '../../base/printable.ts'

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
    throw new TypeError(`url: the namespace ${quotedTarget(path)} is not valid percent-encoding`, {
      cause,
    })
  }
}

/**
 * Reads the query of a URL: each parameter at most once, and only known ones. Throws TypeError for others. `many` names
 * the parameters that may be given more than once.
 */
export function parseQuery(
  query: string,
  known: readonly string[],
  many: readonly string[] = [],
): ReadonlyMap<string, readonly string[]> {
  const parameters = new URLSearchParams(query)
  const other = [...parameters].find(([name]) => !known.includes(name))
  if (other) {
    // A secret that was pasted into the query by mistake does not look like `name=value`, and then is not shown.
    const shown = /^[a-z_-]{1,20}$/i.test(other[0]) && other[1] ? quoted(other[0]) : 'in it (not shown)'
    throw new TypeError(`url: the parameter ${shown} is not known; it takes only ${known.join(', ')}`)
  }
  const read = new Map([...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name)]))
  for (const [name, values] of read) {
    if (values.length > 1 && !many.includes(name)) throw new TypeError(`url: ${name} is given more than once`)
  }
  return read
}

/** Reads a whole number in a URL. Throws TypeError for any other text. */
export function parseWhole(text: string, argument: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new TypeError(`${argument}: ${quotedTarget(text)} is not a whole number`)
}

/** Writes the parameters that have a value as the query from which `parseQuery` reads them. */
export function formatQuery(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
  const written = given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
  return written.length > 0 ? `?${written.join('&')}` : ''
}

/** Adds the slash at the end of a namespace; an empty one stays empty. */
export function withSlash(namespace: string): string {
  return namespace === '' || namespace.endsWith('/') ? namespace : `${namespace}/`
}

/** Writes a namespace as the path from which `parseNamespace` reads it. */
export function formatNamespace(namespace: string): string {
  return `/${namespace.split('/').map(encodeURIComponent).join('/')}`
}

// What the Consul backend takes. Owns the options and what is wrong with them; a message never shows a secret.
import type Consul from 'consul'
import { checkDatacenter, checkNamespace, parseAddress } from './url.ts'
import type { Credentials } from './wire/transport.ts'

/** How to reach Consul, and how to lock there. */
export interface ConsulOptions extends Omit<Credentials, 'namespace' | 'partition'> {
  /**
   * `host:port` of the agent, or of servers to try one after another; or `unix:///path` of a socket. The port is 8500,
   * or 8501 with TLS, where it is missing. Default: the agent at 127.0.0.1.
   */
  readonly addresses?: readonly string[] | undefined
  /** The folder of all keys, e.g. `billing/`. Without it names are what `consul lock` calls them. */
  readonly namespace?: string | undefined
  /** What Consul Enterprise divides its keys and sessions by. */
  readonly enterprise?: { readonly namespace?: string; readonly partition?: string } | undefined
  /**
   * Health checks of the node that end the session, and with it every hold, when one of them fails; e.g. `serfHealth`.
   * Default: none, so that only the time to live does. Each adds a way to lose a lock while its holder is well.
   */
  readonly checks?: readonly string[] | undefined
  /** The node in whose name the session is. It must be in Consul's catalog. Default: that of the agent. */
  readonly node?: string | undefined
  /**
   * How long Consul keeps a lock from everyone after its holder's session ended without a release, in ms: a whole number
   * from 0 to 60 000, default 15 000. It leaves a holder that does not know yet that it has lost time to stop.
   */
  readonly lockDelayMs?: number | undefined
  /**
   * A client that exists already, made by npm `consul`, instead of addresses, credentials, `dc` and `enterprise`. It
   * stays open; you close it.
   */
  readonly client?: Consul | undefined
}

const lockDelayMsMax = 60_000

/** Throws TypeError or RangeError for the first option that cannot be right. */
export function checkOptions(options: ConsulOptions): void {
  checkClient(options)
  checkAddresses(options)
  checkText('namespace', options.namespace)
  checkNamespace(options.namespace ?? '', 'namespace')
  checkCredentials(options)
  checkText('enterprise.namespace', options.enterprise?.namespace)
  checkText('enterprise.partition', options.enterprise?.partition)
  checkText('node', options.node)
  checkList('checks', options.checks ?? [], 'health checks')
  for (const [index, check] of (options.checks ?? []).entries()) checkText(`checks[${index}]`, check)
  checkLockDelay(options.lockDelayMs)
}

/** Throws unless a header can carry it. `argument` is the option or the variable that it came from. */
export function checkToken(argument: string, token: unknown): void {
  if (token === undefined) return
  if (typeof token !== 'string') throw new TypeError(`${argument}: is not a string (it is not shown)`)
  if (/^[\x21-\x7e]+$/.test(token)) return
  const what = token === '' ? 'is empty' : 'has a character that no token has (it is not shown)'
  throw new TypeError(`${argument}: ${what}; it takes the secret id of a token`)
}

function checkClient(options: ConsulOptions): void {
  const { client } = options
  if (client === undefined) return
  if (typeof client !== 'object' || !('kv' in client)) {
    throw new TypeError(`client: ${String(client)} is not made by the npm package consul`)
  }
  const own = ['addresses', 'token', 'auth', 'tls', 'dc', 'enterprise'] as const
  const beside = own.find((name) => options[name] !== undefined)
  if (beside) throw new TypeError(`${beside}: the client that is given has its own; leave one of them out`)
}

function checkAddresses({ addresses, tls }: ConsulOptions): void {
  if (addresses === undefined) return
  checkList('addresses', addresses, 'host:port')
  if (addresses.length === 0) {
    throw new RangeError('addresses: [] is empty; it takes at least one host:port or unix:///path')
  }
  for (const [index, address] of addresses.entries()) {
    checkText(`addresses[${index}]`, address)
    parseAddress(address, { argument: 'addresses', tls: Boolean(tls) })
  }
}

function checkCredentials({ token, auth, tls, dc }: ConsulOptions): void {
  checkToken('token', token)
  if (auth && (typeof auth.username !== 'string' || typeof auth.password !== 'string')) {
    throw new TypeError('auth: takes username and password, both strings (they are not shown)')
  }
  if (auth?.username.includes(':')) throw new RangeError('auth.username: has a colon, which ends a username')
  if (tls && tls !== true && Boolean(tls.cert) !== Boolean(tls.key)) {
    throw new TypeError(`tls.${tls.cert ? 'key' : 'cert'}: is missing; cert and key need each other`)
  }
  checkText('dc', dc)
  if (dc !== undefined) checkDatacenter(dc, 'dc')
}

function checkLockDelay(ms: number | undefined): void {
  if (ms === undefined) return
  if (typeof ms !== 'number') throw new TypeError(`lockDelayMs: ${String(ms)} is not a number`)
  if (Number.isInteger(ms) && ms >= 0 && ms <= lockDelayMsMax) return
  throw new RangeError(
    `lockDelayMs: ${ms} is out of range; it takes a whole number from 0 to ${lockDelayMsMax}`,
  )
}

function checkList(argument: string, value: unknown, of: string): void {
  if (!Array.isArray(value)) throw new TypeError(`${argument}: ${String(value)} is not an array of ${of}`)
}

/** Only a namespace may be empty. */
function checkText(argument: string, value: unknown): void {
  if (value === undefined) return
  if (typeof value !== 'string') throw new TypeError(`${argument}: ${String(value)} is not a string`)
  if (value === '' && argument !== 'namespace') throw new RangeError(`${argument}: "" is empty`)
  if (!value.isWellFormed()) throw new RangeError(`${argument}: is not well-formed Unicode`)
}

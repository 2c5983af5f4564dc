// The options of the Consul backend. Owns their list and their checks; a message never shows a secret.
import type Consul from 'consul'
import {
  check,
  checkOptions,
  flag,
  type Kind,
  list,
  number,
  object,
  type TableOf,
  text,
} from '../../base/options.ts'
import { auth, checkAlone, endpointsKind, namespaceKind, tlsOf, tlsOptions } from '../shared/checks.ts'
import type { Credentials, Tls } from '../shared/credentials.ts'
import { checkDatacenter, checkNamespace, parseAddress } from './url.ts'

/** TLS: the certificates of the client, and how to check those of Consul's servers. */
export interface ConsulTls extends Tls {
  /** The name that the server's certificate must have, if it is not the host of the endpoint. */
  readonly serverName?: string | undefined
  /** False accepts any certificate, and so any server that pretends to be Consul. */
  readonly verify?: boolean | undefined
}

/** The parts of Consul Enterprise. */
export interface ConsulEnterprise {
  /** The namespace for keys and sessions. */
  readonly namespace?: string | undefined
  /** The admin partition for keys and sessions. */
  readonly partition?: string | undefined
}

/**
 * How to reach Consul, and how to lock there. `auth` is for a proxy in front of Consul that asks for it (HTTP Basic);
 * Consul itself takes `token`.
 */
export interface ConsulOptions extends Credentials {
  /** The secret id of an ACL token. */
  readonly token?: string | undefined
  /** HTTPS. `true` trusts the system's authorities and shows no certificate. `false` is the same as no option. */
  readonly tls?: boolean | ConsulTls | undefined
  /** The datacenter to ask; by default that of the agent. */
  readonly dc?: string | undefined
  /**
   * `host:port` of the agent, or of servers to try one after another; or `unix:///path` of a socket. The default port
   * is 8500, or 8501 with TLS. Default: the agent at 127.0.0.1.
   */
  readonly endpoints?: readonly string[] | undefined
  /**
   * The folder of all keys, e.g. `billing/`; a missing slash at its end is added. Without it names are those of `consul
   * lock`.
   */
  readonly namespace?: string | undefined
  /** The parts of Consul Enterprise in which keys and sessions are. */
  readonly enterprise?: ConsulEnterprise | undefined
  /**
   * Health checks of the node that end the session, and with it every hold, when one of them fails; e.g. `serfHealth`.
   * Default: none, so that only the time to live ends it. If a check fails by mistake, a healthy holder loses its lock.
   */
  readonly checks?: readonly string[] | undefined
  /** The node to which the session belongs. It must be in Consul's catalog. Default: that of the agent. */
  readonly node?: string | undefined
  /**
   * How long Consul lets no client take a lock after its holder's session ended without a release, in ms: a whole
   * number from 1 000 to 60 000, by default twice the time to live, at most 60 000. Consul may end a session at any
   * time, so a holder's deadline is this time, less a tenth, after Consul last confirmed its session.
   */
  readonly lockDelayMs?: number | undefined
  /**
   * `true` lets the deadline of a hold depend on the time to live alone; the lock-delay may then be 0. If Consul ends
   * the session early, the next client may hold before the deadline of the old hold. Default: false.
   */
  readonly unsafeTwoMayHold?: boolean | undefined
  /**
   * The longest time for which a connection is idle, in ms: a whole number from 1 000 to 600 000, by default 16 000. An
   * idle connection is not used again after it, and a blocking read is answered within it. Set it below the time after
   * which a balancer, a firewall or NAT drops idle connections, since it may do so in silence. Of a `client` that exists
   * already only the blocking reads follow it.
   */
  readonly idleMs?: number | undefined
  /**
   * A client that exists already, made by npm `consul`, instead of endpoints, credentials, `dc` and `enterprise`.
   * Leasehold does not close it.
   */
  readonly client?: Consul | undefined
}

/** Any text that an HTTP header can carry. */
const token: Kind = {
  takes: 'a string, the secret id of a token (it is not shown)',
  secret: true,
  judge(value, argument) {
    if (typeof value !== 'string') return 'wrong type'
    if (/^[\x21-\x7e]+$/.test(value)) return 'fits'
    const what = value === '' ? 'is empty' : 'has a character that no token has (it is not shown)'
    throw new TypeError(`${argument}: ${what}; it takes the secret id of a token`)
  },
}

const dc: Kind = {
  ...text(),
  alsoCalled: ['datacenter'],
  judge(value, argument) {
    const verdict = text().judge(value, argument)
    if (verdict === 'fits') checkDatacenter(value as string, argument)
    return verdict
  },
}

const namespace: Kind = {
  ...namespaceKind,
  judge(value, argument) {
    const verdict = namespaceKind.judge(value, argument)
    if (verdict === 'fits') checkNamespace(value as string, argument)
    return verdict
  },
}

const client: Kind = {
  takes: 'a client made by the npm package consul',
  secret: true,
  judge: (value) => (typeof value === 'object' && value !== null && 'kv' in value ? 'fits' : 'wrong type'),
}

const consulTls: TableOf<ConsulTls> = {
  ...tlsOptions,
  serverName: { ...text(), alsoCalled: ['servername', 'host'] },
  verify: { ...flag, alsoCalled: ['rejectUnauthorized'] },
}

const enterprise: TableOf<ConsulEnterprise> = { namespace: text(), partition: text() }

const table: TableOf<ConsulOptions> = {
  endpoints: endpointsKind('host:port or unix:///path', (address) => parseEndpoint(address, false)),
  namespace,
  token,
  auth,
  tls: tlsOf(consulTls),
  dc,
  enterprise: object(enterprise, 'enterprise.'),
  checks: list(text(), 'names of health checks'),
  node: text(),
  lockDelayMs: { ...number({ min: 0, max: 60_000, whole: true }), alsoCalled: ['lockDelay'] },
  unsafeTwoMayHold: flag,
  idleMs: { ...number({ min: 1_000, max: 600_000, whole: true }), alsoCalled: ['idleTimeout', 'keepAlive'] },
  client,
}

/** Throws TypeError or RangeError for the first option that cannot be right. */
export function checkConsulOptions(options: ConsulOptions): void {
  checkOptions(options, table)
  checkLockDelay(options)
  checkAlone(options, ['endpoints', 'token', 'auth', 'tls', 'dc', 'enterprise'])
}

/** The shortest lock-delay. With less, a holder would have to stop before a renewal could be answered. */
const lockDelayLeastMs = 1_000

function checkLockDelay({ lockDelayMs = lockDelayLeastMs, unsafeTwoMayHold }: ConsulOptions): void {
  if (lockDelayMs >= lockDelayLeastMs || unsafeTwoMayHold) return
  throw new RangeError(
    `lockDelayMs: ${lockDelayMs} is out of range; it takes a whole number from 1000 to 60000, since a hold counts ` +
      'for no longer than that. unsafeTwoMayHold: true allows less, and then two clients may hold at the same time',
  )
}

/** Throws unless an HTTP header can carry the token. `argument` is the variable that it came from. */
export function checkToken(argument: string, value: string): void {
  check(argument, value, token)
}

/** Reads an endpoint of the options, and returns it with its port. */
export function parseEndpoint(endpoint: string, tls: boolean): string {
  return parseAddress(endpoint, { argument: 'endpoints', tls })
}

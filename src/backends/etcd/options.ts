// The options of the etcd backend. Owns their list and their checks. A message never shows a secret.
import type { Etcd3 } from 'etcd3'
import { checkOptions, number, type TableOf, withMethods } from '../../base/options.ts'
import { auth, checkAlone, endpointsKind, namespaceKind, tlsOf, tlsOptions } from '../shared/checks.ts'
import type { Credentials } from '../shared/credentials.ts'
import { parseEndpoint } from './url.ts'

/**
 * How to reach an etcd cluster. Prefer client certificates to `auth`: a password's token expires under open streams.
 */
export interface EtcdOptions extends Credentials {
  /** `host:port` of each member. The default port is 2379, the default member 127.0.0.1. */
  readonly endpoints?: readonly string[] | undefined
  /**
   * Goes in front of every name, e.g. `billing/`. A missing slash at its end is added. Without a namespace, names are
   * those of `etcdctl lock`.
   */
  readonly namespace?: string | undefined
  /**
   * The lock-delay: how long nobody can hold after the lease of a holder ended without a release, in ms. A whole number
   * from 1 000 to 60 000, at most the time to live, and the same for each client of a name. It is needed since etcd may
   * end a renewed lease early if its leader was stopped for a while. With it the deadline of a hold is this time, less
   * a tenth, after etcd last confirmed the lease, so two clients never believe at once that they hold. It costs one
   * request more for each renewal and each hand-over. Default: 0, which means none.
   */
  readonly lockDelayMs?: number | undefined
  /**
   * A client made with the npm package `etcd3`, instead of endpoints and credentials. Leasehold does not close it; you
   * do.
   */
  readonly client?: Etcd3 | undefined
}

const table: TableOf<EtcdOptions> = {
  endpoints: endpointsKind('host:port', parseEndpoint),
  namespace: namespaceKind,
  auth,
  tls: tlsOf(tlsOptions),
  lockDelayMs: { ...number({ min: 0, max: 60_000, whole: true }), alsoCalled: ['lockDelay'] },
  client: withMethods('a client made by the npm package etcd3', ['lease', 'watch', 'put', 'close']),
}

/** Throws TypeError or RangeError for the first wrong option. */
export function checkEtcdOptions(options: EtcdOptions): void {
  checkOptions(options, table)
  checkAlone(options, ['endpoints', 'auth', 'tls'])
  checkLockDelay(options)
}

/** The shortest lock-delay. With less, a holder would have to stop before a renewal could be answered. */
const lockDelayLeastMs = 1_000

function checkLockDelay({ lockDelayMs = 0 }: EtcdOptions): void {
  if (lockDelayMs === 0 || lockDelayMs >= lockDelayLeastMs) return
  throw new RangeError(
    `lockDelayMs: ${lockDelayMs} is out of range; it takes 0 or a number from 1000 to 60000`,
  )
}

/** Throws RangeError if the lock-delay is longer than the time to live, which limits every hold. */
export function checkAgainstTtl(lockDelayMs: number, ttlMs: number): void {
  if (lockDelayMs <= ttlMs) return
  throw new RangeError(`lockDelayMs: ${lockDelayMs} is out of range; it takes at most the ttlMs, ${ttlMs}`)
}

// The options of the etcd backend. Owns their list and their checks. A message never shows a secret.
import type { Etcd3 } from 'etcd3'
import { checkOptions, type TableOf, withMethods } from '../../base/options.ts'
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
  client: withMethods('a client made by the npm package etcd3', ['lease', 'watch', 'put', 'close']),
}

/** Throws TypeError or RangeError for the first wrong option. */
export function checkEtcdOptions(options: EtcdOptions): void {
  checkOptions(options, table)
  checkAlone(options, ['endpoints', 'auth', 'tls'])
}

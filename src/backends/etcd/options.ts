// The options of the etcd backend. Owns which there are and what is wrong with them; a message never shows a secret.
import type { Etcd3 } from 'etcd3'
import { checkOptions, type TableOf, withMethods } from '../../base/options.ts'
import { auth, checkAlone, endpointsKind, namespaceKind, tlsOf, tlsOptions } from '../shared/checks.ts'
import type { Credentials } from '../shared/credentials.ts'
import { parseEndpoint } from './url.ts'

/**
 * How to reach an etcd cluster. Prefer client certificates to `auth`: a password's token expires under open streams.
 */
export interface EtcdOptions extends Credentials {
  /** `host:port` of each member; the port is 2379 where it is missing. Default: one at 127.0.0.1. */
  readonly endpoints?: readonly string[] | undefined
  /**
   * Put before every name, with a slash at its end whether written or not, e.g. `billing/`. Without it names are
   * those of `etcdctl lock`.
   */
  readonly namespace?: string | undefined
  /** A client that exists already, made by npm `etcd3`, instead of endpoints and credentials. It stays open; you close it. */
  readonly client?: Etcd3 | undefined
}

const table: TableOf<EtcdOptions> = {
  endpoints: endpointsKind('host:port', parseEndpoint),
  namespace: namespaceKind,
  auth,
  tls: tlsOf(tlsOptions),
  client: withMethods('a client made by the npm package etcd3', ['lease', 'watch', 'put', 'close']),
}

/** Throws TypeError or RangeError for the first option that cannot be right. */
export function checkEtcdOptions(options: EtcdOptions): void {
  checkOptions(options, table)
  checkAlone(options, ['endpoints', 'auth', 'tls'])
}
